"""How readers are answered: with an entity tag, so that who polls pays for news only."""

import hashlib
from typing import Any, Final

import msgspec
from flask import Response

from common.current_request import current_request
from common.openapi.described import Answer, Header, Parameter

IF_NONE_MATCH: Final = Parameter("If-None-Match", str, "The ETag of what is there already.", where="header")
ETAG: Final = {"ETag": Header(str, "Changes with the content.", required=True)}
NOT_MODIFIED: Final = Answer("Nothing is new since that ETag.", headers=ETAG)


def tagged(body: bytes, content_type: str) -> Response:
    """200 with `body`; 304 where the request's If-None-Match has it already."""
    response = Response(body, content_type=content_type)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-store"  # who polls keeps the tag itself; no browser keeps what was said
    response.headers["Vary"] = "Accept, Authorization"
    response.make_conditional(current_request())
    return response


def tagged_json(document: Any) -> Response:
    """`tagged`, with `document` as JSON."""
    return tagged(msgspec.json.encode(document), "application/json")
