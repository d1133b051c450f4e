"""What every answer of every service tells browsers, errors and health too: show nothing of it, store it nowhere, run nothing in it.

A route that is to be shown or embedded (the page, the recorder's script, audio) says so itself; what it sets is left as it is.
Answers are for programs otherwise: none of these headers changes what they get.
"""

from collections.abc import Mapping
from typing import Final

from flask import Flask, Response
from werkzeug.datastructures import Headers

from common.current_request import current_request

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


def add_security_headers(headers: Headers, forwarded_proto: str) -> None:
    """Put what is missing into an answer's `headers`.

    `forwarded_proto` is the request's X-Forwarded-Proto: TLS ends in front of the services, and only there is this known. Anybody can
    claim it, which harms nobody: over plain HTTP browsers ignore HSTS.
    """
    there = {name.lower() for name, _ in headers}
    for name, value in DEFAULTS.items():
        if name.lower() not in there:
            headers.add(name, value)
    if forwarded_proto.partition(",")[0].strip().lower() == "https":
        headers.set(HSTS, HSTS_VALUE)


def install_security_headers(app: Flask) -> None:
    """Add them to whatever `app` answers. Installed first, it comes last, and sees what the routes have set."""

    @app.after_request
    def _secure(response: Response) -> Response:
        add_security_headers(response.headers, current_request().headers.get("X-Forwarded-Proto", ""))
        return response
