"""The route `/v1/stream`. Whatever can be refused is refused before the upgrade, as an ordinary answer over HTTP."""

import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec
from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, presented_token, principal
from common.clock import Clock
from common.health import Drain
from common.logs import get_logger
from common.openapi.described import Answer, described
from common.ports.token_store import Scope
from common.problems import Problem
from common.web import end_span_of_request
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.http.places import Places
from ingest_service.intake.intake import Intake
from ingest_service.intake.observations import MAX_BODY_BYTES
from ingest_service.intake.parameters import SOCKET_PARAMETERS
from ingest_service.intake.requests import invalid, parameters, stream, stream_options
from ingest_service.settings import IngestSettings
from ingest_service.websocket.handshake import accepted
from ingest_service.websocket.lifetime import Lifetime
from ingest_service.websocket.link import Link
from ingest_service.websocket.messages import MESSAGES
from ingest_service.websocket.session import Session

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = get_logger(__name__)
SWITCHING_PROTOCOLS: Final = 101
INTERNAL_ERROR: Final = 1011


class ConnectionOver(Response):
    """There is nothing left to answer: the connection was a WebSocket, and that is over."""

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:  # noqa: ARG002 -- WSGI's
        """Tells gunicorn's threads to close the connection, and to write nothing to it."""
        raise StopIteration


def stream_socket(
    intake: Intake,
    settings: IngestSettings,
    tokens: TokenVerifier,
    limits: TenantLimits,
    places: Places,
    drain: Drain,
    clock: Clock,
) -> Blueprint:
    """`GET /v1/stream` with an upgrade to WebSocket, for bearers of a token."""
    routes = Blueprint("stream_socket", __name__)
    guard(routes, tokens, limits, Scope.INGEST)
    recommended_chunk_ms = round(settings.audio_chunk_duration_sec * 1000)

    @routes.get("/v1/stream", websocket=True)
    @routes.get("/v1/stream")  # without an upgrade: to be told that there must be one
    @described(
        "Open a stream over a WebSocket",
        description="The messages are described in docs/websocket.md; their types are among the components.",
        parameters=SOCKET_PARAMETERS,
        answers={101: Answer("The WebSocket is open. What is wrong later comes as a message.")},
        problems=(409, 426, 501),
        scopes=(Scope.INGEST,),
        components=MESSAGES,
    )
    def open_stream() -> Response:
        query = parameters(request.args, SOCKET_PARAMETERS)
        if "connection_id" not in query:
            raise invalid("connection_id", "is missing")
        of = stream(principal().tenant, query["connection_id"], query)
        options = stream_options(query, query.get("content_type", ""), principal().user_id)
        bind_contextvars(connection_id=of.connection_id, meeting_id=of.meeting_id)
        protocol = accepted(request, max(settings.max_chunk_bytes, MAX_BODY_BYTES))
        sock: socket.socket | None = request.environ.get("gunicorn.socket")
        if sock is None:
            raise Problem(501, "no-websockets", "The server around this service does not hand its sockets over.")
        if drain.started:
            raise Problem(503, "restarting", "The server restarts; come again.", headers={"Retry-After": "1"})
        with places.taken():
            lifetime = Lifetime(settings.websocket_max_sec, drain, tokens, presented_token(request), clock)
            session = Session(
                intake,
                of,
                options,
                max_chunk_bytes=settings.max_chunk_bytes,
                recommended_chunk_ms=recommended_chunk_ms,
            )
            end_span_of_request(SWITCHING_PROTOCOLS)
            link = Link(sock, protocol, clock)
            try:
                converse(link, session, lifetime, lambda: hold_back(limits, of.tenant, drain))
            except Exception as error:  # the edge of the service: what `common.problems` is to other routes
                log.exception("unhandled_error", error_type=type(error).__name__)
                link.close(INTERNAL_ERROR)
            link.linger()
        bind_contextvars(chunks=session.chunks, bytes=session.bytes, close_code=link.close_code)
        return ConnectionOver(status=SWITCHING_PROTOCOLS)

    return routes


def hold_back(limits: TenantLimits, tenant: str, drain: Drain) -> None:
    """Read no more until the tenant may have another request. Over a WebSocket nobody needs to be refused for being fast."""
    while (wait_s := limits.wait_s(tenant)) > 0 and not drain.wait(wait_s):
        pass


def converse(link: Link, session: Session, lifetime: Lifetime, answered: Callable[[], None]) -> None:
    """Take one message after the other, until either side closes the WebSocket. `answered` is called after each answer."""
    link.send(msgspec.json.encode(session.ready()))
    while link.is_open:
        if ending := lifetime.ending():
            link.close(ending.code, ending.reason)
            return
        message = link.next_message()
        if message is None:
            continue
        answer = session.text(message.data) if message.is_text else session.binary(message.data)
        if answer.message is not None:
            link.send(msgspec.json.encode(answer.message))
        if answer.close_code is not None:
            link.close(answer.close_code)
        elif answer.message is not None:
            answered()
