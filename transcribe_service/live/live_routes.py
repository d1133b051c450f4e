"""`GET /v1/meetings/{id}/live`: a meeting as it is being said, as server-sent events."""

import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, presented_token, principal, require_bearer
from common.clock import Clock
from common.errors import TurnscribeError
from common.health import Drain
from common.ids import checked_id
from common.openapi.described import Answer, Content, Header, IdText, Parameter, described, named
from common.ports.token_store import Scope
from common.problems import Problem
from transcribe_service.live.hub import LiveHub
from transcribe_service.live.messages import (
    CONTENT_TYPE,
    HEARTBEAT,
    LiveEnd,
    LiveMeeting,
    LiveRemoved,
    LiveSegment,
    retry_hint,
)
from transcribe_service.live.reader import Reader

HEARTBEAT_S: Final = 15.0
TOKEN_CHECK_S: Final = 60.0
SEND_TIMEOUT_S: Final = 60.0
"""Whoever takes nothing for so long has gone, or has to come again."""
RETRY_MS: Final = (500, 2_500)
"""Between these: those whom one server lost must not all come to the next one at once."""
MEETING: Final = Parameter("meeting_id", IdText, "The meeting.", where="path")
LAST_EVENT_ID: Final = Parameter(
    "Last-Event-ID", str, "Id of the last event that was received: what came after it follows.", where="header"
)
LAST_EVENT_ID_IN_QUERY: Final = Parameter(
    "last_event_id", str, "The same, for who can't set headers. The header, which browsers set by themselves, wins."
)
TOKEN: Final = Parameter("token", str, "The bearer token, for who can't set headers: an EventSource.")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx, and proxies that do as it does
    "Vary": "Authorization",
}


def live_blueprint(hub: LiveHub, tokens: TokenVerifier, drain: Drain, clock: Clock, *, max_s: float) -> Blueprint:
    """The route. An answer lasts until its reader goes, the process is stopped, its token is disabled, or `max_s` have passed."""
    routes = Blueprint("live", __name__, url_prefix="/v1/meetings")
    routes.before_request(require_bearer(tokens, Scope.READ))

    @routes.get("/<path:meeting_id>/live")
    @described(
        "A meeting live",
        description=(
            "Server-sent events, each with an id that `Last-Event-ID` goes on behind, at any instance. `meeting`: first, and whenever "
            "it changes. `segment`: what is shown of a segment from now on. `removed`: nothing is shown of it any more. `reset`: forget "
            "everything, all follows anew. `deleted`: the meeting is gone; the last event. Unknown events are to be ignored. A comment "
            "comes where nothing else did for 15 s. The answer ends after LIVE_MAX_SEC, or when the server restarts: come again."
        ),
        parameters=named(MEETING, LAST_EVENT_ID, LAST_EVENT_ID_IN_QUERY, TOKEN),
        answers={
            200: Answer(
                "The events, as long as the connection lasts.",
                (Content(CONTENT_TYPE),),
                {"Cache-Control": Header(str, "Never to be stored.", required=True)},
            )
        },
        scopes=(Scope.READ,),
        problems=(429,),
        components=(LiveMeeting, LiveSegment, LiveRemoved, LiveEnd),
    )
    def live(meeting_id: str) -> Response:
        checked_id(meeting_id, "meeting_id")
        bind_contextvars(meeting_id=meeting_id)
        if drain.started:
            raise Problem(503, "restarting", "The server restarts; come again.", headers={"Retry-After": "1"})
        last_event_id = request.headers.get(LAST_EVENT_ID.name) or request.args.get(LAST_EVENT_ID_IN_QUERY.name, "")
        reader = hub.reader(principal().tenant, meeting_id, last_event_id)
        if request.method == "HEAD":
            reader.close()
            return Response(content_type=CONTENT_TYPE, headers=_HEADERS)
        _give_up_on_who_takes_nothing()
        response = Response(
            _events(reader, _Token(tokens, presented_token(request))), content_type=CONTENT_TYPE, headers=_HEADERS
        )
        response.call_on_close(reader.close)
        return response

    def _events(reader: Reader, token: "_Token") -> Iterator[bytes]:
        now_s = clock.monotonic_s()
        over_at_s, check_at_s = now_s + max_s, now_s + TOKEN_CHECK_S
        yield retry_hint(random.randint(*RETRY_MS))  # noqa: S311 -- jitter, not a secret
        while (events := reader.next(min(HEARTBEAT_S, max(0.0, over_at_s - now_s)))) is not None:
            yield events or HEARTBEAT
            now_s = clock.monotonic_s()
            if now_s >= check_at_s:
                check_at_s = now_s + TOKEN_CHECK_S
                if not token.holds():
                    return
            if now_s >= over_at_s:
                return

    return routes


class _Token:
    """Who reads for an hour may have been shut out meanwhile."""

    def __init__(self, tokens: TokenVerifier, token: str) -> None:
        self._tokens = tokens
        self._token = token

    def holds(self) -> bool:
        try:
            found = self._tokens.verify(self._token)
        except TurnscribeError:  # nobody can say, and it did hold at the beginning
            return True
        return found is not None and Scope.READ in found.scopes


def _give_up_on_who_takes_nothing() -> None:
    """A connection that takes nothing holds a thread; it gets an end."""
    sock: socket.socket | None = request.environ.get("gunicorn.socket")
    if sock is not None:
        with suppress(OSError):
            sock.settimeout(SEND_TIMEOUT_S)
