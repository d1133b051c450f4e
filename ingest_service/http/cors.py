"""Cross-origin requests: which web pages may upload from a browser."""

from typing import Final

from flask import Flask, Response, request

MAX_AGE_S: Final = 3_600
METHODS: Final = "GET, HEAD, PUT, POST, PATCH, OPTIONS"
SENT_HEADERS: Final = ", ".join(
    (
        *("Authorization", "Content-Type", "Idempotency-Key", "X-Session-ID", "traceparent", "X-HTTP-Method-Override"),
        *("Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "X-Requested-With"),
    )
)
"""What pages may send. The last one is sent by common tus clients without being asked."""
READ_HEADERS: Final = (
    "Location, Retry-After, Upload-Offset, Upload-Length, Upload-Metadata, "
    "Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size"
)
"""What pages may read of answers, besides what they always may."""


def install_cors(app: Flask, allowed_origins: frozenset[str]) -> None:
    """Answer preflights, which carry no token, and name the origin in every answer to an allowed page.

    Tokens travel in the Authorization header and never in cookies, so `*` gives no page another's rights.
    """
    if not allowed_origins:
        return

    def is_allowed() -> bool:
        return "*" in allowed_origins or request.headers.get("Origin") in allowed_origins

    @app.before_request
    def _preflight() -> Response | None:
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not is_preflight or not is_allowed():
            return None
        return Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": SENT_HEADERS,
                "Access-Control-Max-Age": str(MAX_AGE_S),
            },
        )

    @app.after_request
    def _name_origin(response: Response) -> Response:
        response.vary.add("Origin")
        if "Origin" in request.headers and is_allowed():
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = READ_HEADERS
        return response
