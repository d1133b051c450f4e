"""`GET /v1/recorder.js`: the browser's side of `/v1/streams`, for web pages to import. Without a token: it has no secret in it."""

import hashlib
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from common.openapi.described import Answer, Content, Header, Parameter, described, named

MAX_AGE_S: Final = 600
"""Pages get a new release's recorder after so long at the latest."""
SCRIPT: Final = Path(__file__).with_name("recorder.js")
_IF_NONE_MATCH: Final = Parameter("If-None-Match", str, "The ETag of what is there already.", where="header")
_ETAG: Final = {"ETag": Header(str, "Changes with the content.", required=True)}


def recorder_routes() -> Blueprint:
    """The script. Pages of other origins import it where CORS_ALLOWED_ORIGINS lets them upload."""
    routes = Blueprint("recorder", __name__)
    script = SCRIPT.read_bytes()
    etag = hashlib.sha256(script).hexdigest()[:32]

    @routes.get("/v1/recorder.js")
    @described(
        "A recorder for web pages",
        description="An ES module that records the microphone and uploads it, whatever happens to the network, the server or the page.",
        parameters=named(_IF_NONE_MATCH),
        answers={
            200: Answer("The module.", (Content("text/javascript", str),), _ETAG),
            304: Answer("Nothing is new since that ETag.", headers=_ETAG),
        },
        scopes=None,
    )
    def recorder() -> Response:
        response = Response(script, content_type="text/javascript; charset=utf-8")
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
        response.headers["Cross-Origin-Resource-Policy"] = (
            "cross-origin"  # it is there to be loaded by other origins' pages
        )
        response.set_etag(etag)
        response.make_conditional(request)
        return response

    return routes
