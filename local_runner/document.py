"""`GET /openapi.json` of the local runner: everything that its services serve under one port, in one document."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from flask import Flask
from werkzeug.wrappers import Response

from common.openapi.document import openapi_document
from common.security_headers import add_security_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def document_app(apps: Sequence[Flask], title: str) -> "WSGIApplication":
    """Answers every request with the document of `apps`, made when it is first asked for."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(apps, title))

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        response = Response(document(), content_type="application/json")
        add_security_headers(response.headers, environ.get("HTTP_X_FORWARDED_PROTO", ""))
        return response(environ, start_response)

    return answer
