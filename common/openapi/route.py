"""`GET /openapi.json`: what a service serves, for programs. Without a token, like the documentation that it is."""

from functools import cache

import msgspec
from flask import Blueprint, Flask, Response

from common.openapi.document import openapi_document


def openapi_blueprint(app: Flask, title: str) -> Blueprint:
    """The document of `app`, made when it is first asked for."""
    routes = Blueprint("openapi", __name__)

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi_document([app], title))

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(document(), content_type="application/json")

    return routes
