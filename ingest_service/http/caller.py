"""Whether anybody still waits for the answer."""

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def is_gone(environ: "WSGIEnvironment") -> bool:
    """True once the caller has closed the connection; False too where the server does not hand its socket over.

    Looks at what lies in the socket and takes nothing from it. A caller that only says that it will send nothing more counts as
    gone; clients of HTTP do not do that.
    """
    sock: socket.socket | None = environ.get("gunicorn.socket")
    if sock is None:
        return False
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
