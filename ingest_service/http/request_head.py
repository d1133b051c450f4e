"""How long a request's query and headers may be. Beyond a little more the HTTP server refuses by itself, without problem details."""

from typing import Final

from flask import Flask, request

from common.problems import Problem

MAX_QUERY_BYTES: Final = 7_168
"""2,000 bytes of speakers' names, percent-encoded, and all the rest."""
MAX_HEADER_BYTES: Final = 7_168


def refuse_long_heads(app: Flask) -> None:
    """Answer 414 where the query is too long, and 431 where a header is, whatever the route."""

    @app.before_request
    def _measure() -> None:
        environ = request.environ
        if len(environ.get("QUERY_STRING", "")) > MAX_QUERY_BYTES:
            detail = f"The query has more than the {MAX_QUERY_BYTES} bytes that are allowed here."
            raise Problem(414, "query-too-long", detail, limit_bytes=MAX_QUERY_BYTES)
        for key, value in environ.items():
            if key.startswith("HTTP_") and len(value) > MAX_HEADER_BYTES:
                name = key[len("HTTP_") :].replace("_", "-").lower()
                detail = f"The header {name[:80]} has more than the {MAX_HEADER_BYTES} bytes that are allowed here."
                raise Problem(431, "header-too-long", detail, limit_bytes=MAX_HEADER_BYTES)
