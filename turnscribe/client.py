"""The SDK: send a stream's chunks and speaker activity, read transcripts.

    with Client("http://127.0.0.1:8080", token) as client:
        stream = client.stream("weekly-42", "alices-browser", content_type="audio/webm")
        stream.put_chunk(0, first_blob, captured_at_ms=now_ms)
        stream.observe_masks(now_ms, [("Alice", "0001111111")])
        stream.end(last_seq=0, observations=1)
        print(client.transcript_text("weekly-42"))

Needs nothing of the services. Errors are those of `turnscribe.errors`; how requests are retried stands in `turnscribe.transport`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, Self
from urllib.parse import quote

import msgspec

from turnscribe.live_reading import LiveEvents
from turnscribe.meetings import Meetings
from turnscribe.rate_limit import RateLimit
from turnscribe.recording_file import RecordingFile
from turnscribe.schema import (
    DeadLetter,
    DeadLetterPage,
    ReplayedDeadLetters,
    ShownDeadLetter,
    StoredChunk,
    StreamStatus,
    Transcript,
)
from turnscribe.speaker_activity import SpeakerActivity
from turnscribe.speaker_intervals import Interval as Interval
from turnscribe.tokens import Tokens
from turnscribe.transport import Answer, RetryPolicy, Transport
from turnscribe.upload import PART_BYTES, ToldProgress, UploadedRecording, upload
from turnscribe.upload_identity import UploadOptions
from turnscribe.webhook_receivers import Webhooks

_DEAD_LETTERS: Final = "/v1/deadletters"
TextFormat = Literal["text", "srt", "vtt"]
TranscriptFormat = TextFormat | Literal["json"]


class Client:
    """One server, one token. Safe to share between threads."""

    def __init__(self, base_url: str, token: str, *, retry: RetryPolicy | None = None, timeout_s: float = 60.0) -> None:
        self._transport = Transport(base_url, token, retry=retry or RetryPolicy(), timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    @property
    def tokens(self) -> Tokens:
        """Who may use the server on the tenant's behalf."""
        return Tokens(self._transport)

    @property
    def webhooks(self) -> Webhooks:
        """Where the tenant's transcripts are sent."""
        return Webhooks(self._transport)

    @property
    def meetings(self) -> Meetings:
        """Whole meetings: list, delete, rebuild, transcribe once more, and how long they are kept."""
        return Meetings(self._transport)

    def stream(
        self,
        meeting_id: str,
        connection_id: str,
        *,
        content_type: str = "application/octet-stream",
        source: str = "",
        language: str = "",
        channels: Literal["mix", "separate"] = "mix",
        channel_speakers: Sequence[str] = (),
        connections: Literal["shared", "per_participant"] = "shared",
        participant: str = "",
    ) -> "Stream":
        """A connection of a meeting, to send to. Asks the server nothing yet.

        Of what several connections hear one is transcribed, unless they are `per_participant`; `participant` is who is at this one.
        """
        options = {
            "source": source,
            "language": language,
            "channels": "" if channels == "mix" else channels,
            "channel_speakers": ",".join(channel_speakers),
            "connections": "" if connections == "shared" else connections,
            "participant": participant,
        }
        return Stream(self._transport, meeting_id, connection_id, content_type, {k: v for k, v in options.items() if v})

    def upload(
        self,
        recording: Path | str | BinaryIO,
        *,
        meeting_id: str | None = None,
        options: UploadOptions = UploadOptions(),  # noqa: B008 -- frozen
        speakers: Sequence[Interval] = (),
        part_bytes: int = PART_BYTES,
        limit: RateLimit | None = None,
        progress: ToldProgress = lambda _: None,
    ) -> UploadedRecording:
        """Upload a whole recording, a path or an open binary file that can be read anew; returns once all of it is durable.

        Without a meeting it becomes one of its own, which is named after the file. `speakers` says who spoke when, in stream time.

        Killed at any moment, the same call goes on where it was, and does nothing where everything is there: see
        `turnscribe.upload`, which also says what it raises.
        """
        with RecordingFile(recording) as file:
            return upload(
                self._transport,
                file,
                meeting_id,
                options,
                speakers=speakers,
                part_bytes=part_bytes,
                limit=limit,
                progress=progress,
            )

    def stream_status(self, connection_id: str) -> StreamStatus:
        """What of a stream is durable. Raises `NotFound` before its first chunk."""
        return self._transport.request("GET", _stream_path(connection_id)).decoded(StreamStatus)

    def transcript(self, meeting_id: str, *, provisional: bool = False) -> Transcript:
        """The meeting's transcript; with the live text of open segments if `provisional`. Raises `NotFound`."""
        query = {"format": "json", "provisional": "true" if provisional else "false"}
        return self._transport.request("GET", _transcript_path(meeting_id), query=query).decoded(Transcript)

    def transcript_bytes(self, meeting_id: str, format_: TranscriptFormat) -> bytes:
        """The meeting's transcript as the server writes it in that format (UTF-8). Raises `NotFound`."""
        return self._transport.request("GET", _transcript_path(meeting_id), query={"format": format_}).body

    def transcript_text(self, meeting_id: str, format_: TextFormat = "text") -> str:
        """The meeting's transcript for people to read. Raises `NotFound`."""
        return self.transcript_bytes(meeting_id, format_).decode()

    def live(self, meeting_id: str, *, last_event_id: str = "") -> LiveEvents:
        """The meeting as it is being said: what there is, and then every change as it comes, for as long as the meeting is there.

        Breaks are mended without a gap. `last_event_id` goes on where an earlier call was. Close it, or use it in a `with`.
        """
        return LiveEvents(self._transport, meeting_id, last_event_id)

    def dead_letters(self) -> Iterator[DeadLetter]:
        """What no service could handle however often it came, in the order of publishing. Asks page by page."""
        query: dict[str, str] = {}
        while True:
            page = self._transport.request("GET", _DEAD_LETTERS, query=query).decoded(DeadLetterPage)
            yield from page.dead_letters
            if page.next is None:
                return
            query["after"] = page.next

    def dead_letter(self, letter_id: str) -> ShownDeadLetter:
        """One of them with its event. Raises `NotFound`."""
        return self._transport.request("GET", _dead_letter_path(letter_id)).decoded(ShownDeadLetter)

    def replay_dead_letter(self, letter_id: str) -> None:
        """Have it published again. Raises `NotFound`, or `Conflict` when the server can't read its event."""
        self._transport.request("POST", f"{_dead_letter_path(letter_id)}/replay")

    def replay_dead_letters(self) -> ReplayedDeadLetters:
        """Have all of them published again, in steps that the server bounds."""
        replayed, unreadable = 0, list[str]()
        query: dict[str, str] = {}
        while True:
            step = self._transport.request("POST", f"{_DEAD_LETTERS}/replay", query=query).decoded(ReplayedDeadLetters)
            replayed += step.replayed
            unreadable += step.unreadable
            if step.next is None:
                return ReplayedDeadLetters(replayed, tuple(unreadable))
            query["after"] = step.next

    def get_json(self, path: str) -> object:
        """The decoded JSON of any other route, e.g. `/health/version`."""
        return self._transport.request("GET", path).decoded(object)


class Stream(SpeakerActivity):
    """One connection: one uploader's sequence of chunks. Made by `Client.stream`."""

    def __init__(
        self, transport: Transport, meeting_id: str, connection_id: str, content_type: str, options: dict[str, str]
    ) -> None:
        self.meeting_id = meeting_id
        self.connection_id = connection_id
        self._transport = transport
        self._content_type = content_type
        self._options = options

    def put_chunk(self, seq: int, data: bytes, *, captured_at_ms: int | None = None) -> StoredChunk:
        """Send chunk `seq` (0, 1, 2 …); returns once it is durable.

        `captured_at_ms` is the epoch time of the chunk's end on this machine's clock. Sending the same bytes again is
        harmless; other bytes under the same seq raise `Conflict`.
        """
        query = {"meeting_id": self.meeting_id, **self._options}
        if captured_at_ms is not None:
            query["captured_at_ms"] = str(captured_at_ms)
        path = f"{_stream_path(self.connection_id)}/chunks/{seq}"
        headers = {"Content-Type": self._content_type}
        return self._transport.request("PUT", path, query=query, body=data, headers=headers).decoded(StoredChunk)

    def end(self, last_seq: int, *, observations: int | None = None) -> None:
        """Say that the stream is complete: the seq of its last chunk (-1: none), and how many observations there were."""
        self._post("end", msgspec.json.encode({"last_seq": last_seq, "observations": observations}))

    def status(self) -> StreamStatus:
        """What of this stream is durable. Raises `NotFound` before its first chunk."""
        return self._transport.request("GET", _stream_path(self.connection_id)).decoded(StreamStatus)

    def _observe(self, body: bytes) -> str:
        return self._post("speakers", body).decoded(_Observed).observation_id

    def _post(self, what: str, body: bytes) -> Answer:
        return self._transport.request(
            "POST",
            f"{_stream_path(self.connection_id)}/{what}",
            query={"meeting_id": self.meeting_id},
            body=body,
            headers={"Content-Type": "application/json"},
        )


class _Observed(msgspec.Struct):
    observation_id: str


def _stream_path(connection_id: str) -> str:
    return f"/v1/streams/{quote(connection_id, safe='')}"


def _transcript_path(meeting_id: str) -> str:
    return f"/v1/meetings/{quote(meeting_id, safe='')}/transcript"


def _dead_letter_path(letter_id: str) -> str:
    return f"{_DEAD_LETTERS}/{quote(letter_id, safe='')}"
