"""The web page's files: `/`, the deep links below `/app/`, and what they load. Without a token: there is no secret in them.

A fixed list of files, read once; paths are looked up in it and never opened. What the page shows, it asks of `/v1` with the reader's token.
"""

import hashlib
from html import escape
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from common.problems import Problem

FOLDER: Final = Path(__file__).parent
SHELL: Final = "index.html"
MEDIA_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
DEEP_LINKS: Final = ("/", "/app/", "/app/record", "/app/search", "/app/meetings/<meeting_id>")
"""Places of the page, all of them the same document; what the last one names is looked for by the page itself."""


def content_security_policy(ingest: str) -> str:
    """Nothing but the page's own files, and requests to this server and to the one that takes recordings.

    `ingest` is that one's origin, empty where it is this server. Scripts can make no HTML out of text: there are no trusted types.
    """
    other = f" {ingest}" if ingest else ""
    rules = {
        "default-src": "'none'",
        "script-src": f"'self'{other}",
        "style-src": "'self'",
        "connect-src": f"'self'{other}",
        "img-src": "'self'",
        "media-src": "blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def page_blueprint(ingest_public_url: str) -> Blueprint:
    """The page. `ingest_public_url` is where browsers send recordings; empty: to the page's own origin."""
    routes = Blueprint("page", __name__)
    ingest = ingest_public_url.rstrip("/")
    shell = (FOLDER / SHELL).read_text(encoding="utf-8").replace("{{ingest}}", escape(ingest)).encode()
    files = {
        path.name: (path.read_bytes(), MEDIA_TYPES[path.suffix])
        for path in sorted(FOLDER.iterdir())
        if path.suffix in MEDIA_TYPES
    }
    headers = {
        # Asked for again each time, and then a few bytes: all files of a page are of one release.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": content_security_policy(ingest),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }

    def answer(body: bytes, content_type: str) -> Response:
        response = Response(body, content_type=content_type)
        response.headers.update(headers)
        response.set_etag(hashlib.sha256(body).hexdigest()[:32])
        response.make_conditional(request)
        return response

    def show(**_place: str) -> Response:
        return answer(shell, "text/html; charset=utf-8")

    for link in DEEP_LINKS:
        routes.add_url_rule(link, "show", show)

    @routes.get("/app/<name>")
    def file(name: str) -> Response:
        if name not in files:
            raise Problem(404, "unknown-page", "The page has no such file.")
        return answer(*files[name])

    return routes
