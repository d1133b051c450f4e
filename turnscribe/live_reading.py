"""Following a meeting while it is transcribed. The connection breaks sooner or later; it is opened again, and nothing is missed."""

from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import urllib3

from turnscribe.live_events import EventParser, LiveEvent, MeetingDeleted
from turnscribe.transport import PassingFailure, Transport

SILENCE_S: Final = 45.0
"""The server says something every 15 s; who hears nothing for so long calls again."""


class LiveEvents(Iterator[LiveEvent]):
    """The events of one meeting, as they come. Made by `Client.live`; for one thread, but for `close`.

    Ends after `MeetingDeleted`. Raises `NotFound` where there is no such meeting, and `ServerUnreachable` when the server could not be
    reached for as long as the client was told to try.
    """

    def __init__(self, transport: Transport, meeting_id: str, last_event_id: str) -> None:
        self.last_event_id = last_event_id
        """Of the event that was given last: who begins with it gets what came after."""
        self._transport = transport
        self._path = f"/v1/meetings/{quote(meeting_id, safe='')}/live"
        self._answer: urllib3.BaseHTTPResponse | None = None
        self._events = self._follow()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> LiveEvent:
        return next(self._events)

    def close(self) -> None:
        """Close the connection; nothing comes any more."""
        self._is_closed = True
        self._hang_up()

    def _follow(self) -> Iterator[LiveEvent]:
        patience = self._transport.patience()
        while not self._is_closed:
            parser = EventParser()
            try:
                for event in self._one_answer(parser):
                    patience.renew()
                    yield event
                    if isinstance(event, MeetingDeleted):
                        return
                failure = PassingFailure(
                    "the server ended its answer", None if parser.retry_ms is None else parser.retry_ms / 1000
                )
            except PassingFailure as broken:
                failure = broken
            finally:
                self._hang_up()
            if not self._is_closed:
                patience.wait(failure)

    def _one_answer(self, parser: EventParser) -> Iterator[LiveEvent]:
        headers = {"Accept": "text/event-stream"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        self._answer = answer = self._transport.opened(self._path, headers=headers, silence_s=SILENCE_S)
        while not self._is_closed:
            try:
                piece = answer.read1()
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:  # ValueError: closed by `close`
                raise PassingFailure(f"the connection broke: {type(error).__name__}") from error
            if not piece:
                return
            for sent in parser.feed(piece):
                event = sent.decoded()
                self.last_event_id = sent.id
                if event is not None:
                    yield event

    def _hang_up(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()
