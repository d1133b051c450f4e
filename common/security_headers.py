"""What every answer of every service tells browsers, errors and health too: show nothing of it, store it nowhere, run nothing in it.

A route that is to be shown or embedded (the page, the recorder's script, audio) says so itself; what it sets is left as it is.
Answers are for programs otherwise: none of these headers changes what they get.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from flask import Flask
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CSP: Final = "Content-Security-Policy"
NO_CONTENT: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DEFAULTS: Final[Mapping[str, str]] = {
    # Transcripts and audio are in no cache, not even in that of the browser of who has signed out since.
    "Cache-Control": "no-store",
    # Should an answer ever be shown as a document: it loads and runs nothing, and stands in no other site's frame.
    CSP: NO_CONTENT,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(), camera=(), geolocation=()",
    # Addresses may hold a token (`?token=`), and hold meetings' ids: nobody is told where a reader came from.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""By name, where the route has said nothing."""
HSTS: Final = "Strict-Transport-Security"
HSTS_VALUE: Final = "max-age=31536000"
"""A year, for this host alone: what else there is below its domain is not ours to decide."""


_BY_LOWER_NAME: Final = tuple((name.lower(), (name, value)) for name, value in DEFAULTS.items())


def add_security_headers(headers: Headers, forwarded_proto: str) -> None:
    """Put what is missing into an answer's `headers`.

    `forwarded_proto` is the request's X-Forwarded-Proto: TLS ends in front of the services, and only there is this known. Anybody can
    claim it, which harms nobody: over plain HTTP browsers ignore HSTS.
    """
    for name, value in missing_headers(headers, forwarded_proto):
        headers.set(name, value)


def missing_headers(headers: Iterable[tuple[str, str]], forwarded_proto: str) -> list[tuple[str, str]]:
    """What `add_security_headers` puts into these. Pure."""
    there = {name.lower() for name, _ in headers}
    missing = [header for name, header in _BY_LOWER_NAME if name not in there]
    if forwarded_proto and forwarded_proto.partition(",")[0].strip().lower() == "https":
        missing.append((HSTS, HSTS_VALUE))
    return missing


def install_security_headers(app: Flask) -> None:
    """Add them to whatever `app` answers. They see what the routes have set.

    Here the headers are a list that nothing reads again: added to Flask's response, each would be checked and copied three times.
    """
    answered = app.wsgi_app

    def secured(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(
            status: str,
            headers: list[tuple[str, str]],
            error: "tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None" = None,
            /,
        ) -> "Callable[[bytes], object]":
            missing = missing_headers(headers, environ.get("HTTP_X_FORWARDED_PROTO", ""))
            return start_response(status, headers + missing, error)

        return answered(environ, start)

    app.wsgi_app = secured  # type: ignore[method-assign]  # as Flask's own documentation does
