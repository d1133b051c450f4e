"""From an HTTP request that asks for a WebSocket to the protocol that speaks it. Nothing is sent here."""

import logging
from typing import Final

from flask import Request
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

from common.problems import Problem

VERSION: Final = "13"
_HEADERS: Final = ("Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
# Its debug lines show messages, and every connection ends in a line of ours.
_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.ERROR)


def accepted(req: Request, max_message_bytes: int) -> ServerProtocol:
    """The protocol, with the answer to the handshake waiting in `data_to_send()`. Raises a 426 or 400 `Problem`.

    Messages are not compressed: audio is already. Which page's script connects does not matter: the token is in the request and
    never in a cookie, so a page acts for nobody but itself.
    """
    if req.method != "GET" or req.environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        raise _upgrade_required()
    head = ["GET /v1/stream HTTP/1.1"]  # the server has taken the request apart already; this is what is left to check
    head += [f"{name}: {req.headers[name]}" for name in _HEADERS if name in req.headers]
    protocol = ServerProtocol(max_size=max_message_bytes, logger=_quiet)
    protocol.receive_data(("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace"))
    asked = protocol.events_received()
    if not asked or not isinstance(asked[0], Handshake):
        raise Problem(400, "bad-handshake", "The WebSocket handshake can't be read.")
    response = protocol.accept(asked[0])
    if response.status_code == 426 or req.headers.get("Sec-WebSocket-Version", VERSION) != VERSION:
        raise _upgrade_required()
    if response.status_code != 101:
        raise Problem(400, "bad-handshake", f"This is no WebSocket handshake: {protocol.handshake_exc}.")
    protocol.send_response(response)
    return protocol


def _upgrade_required() -> Problem:
    detail = "This route speaks WebSocket (RFC 6455) alone; over plain HTTP use /v1/streams."
    headers = {"Upgrade": "websocket", "Sec-WebSocket-Version": VERSION}
    return Problem(426, "upgrade-required", detail, headers=headers)
