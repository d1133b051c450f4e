"""What tus 1.0 asks of a server besides uploads: to say what it is capable of, to speak one version, to take one method for another."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, request

from common.openapi.described import Answer, Header, Parameter, described, named
from ingest_service.http.tus_headers import EXTENSIONS, SPOKEN, VERSION, refuse_other_versions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX: Final = "/v1/uploads"


def speak_tus(routes: Blueprint) -> None:
    """Refuse clients of other versions, and say in every answer which one this is."""

    @routes.before_request
    def _check_version() -> None:
        refuse_other_versions(request.headers)

    routes.after_request(_with_version)


def upload_capabilities(max_bytes: int) -> Blueprint:
    """`OPTIONS`: what this server is capable of, for everybody. Preflights of web pages don't get here; see `cors`."""
    routes = Blueprint("upload_capabilities", __name__, url_prefix=PREFIX)
    routes.after_request(_with_version)

    @routes.route("", methods=["OPTIONS"], provide_automatic_options=False)
    @routes.route("/<connection_id>", methods=["OPTIONS"], provide_automatic_options=False)
    @described(
        "What the server is capable of",
        parameters=named(Parameter("connection_id", str, "Any: it is the same for every upload.", where="path")),
        answers={
            204: Answer(
                "This.",
                headers={
                    "Tus-Version": SPOKEN,
                    "Tus-Extension": Header(str, "Names of extensions, separated by commas.", required=True),
                    "Tus-Max-Size": Header(int, "Bytes of the largest recording.", required=True),
                    "Tus-Resumable": SPOKEN,
                },
            )
        },
        scopes=None,
    )
    def capabilities(connection_id: str = "") -> Response:  # noqa: ARG001 -- they are the same for every upload
        headers = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(max_bytes)}
        return Response(status=204, headers=headers)

    return routes


def with_method_override(app: "WSGIApplication") -> "WSGIApplication":
    """Take X-HTTP-Method-Override of a POST below `/v1/uploads` for its method: for clients that can send nothing but GET and POST."""

    def overridden(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
        is_upload = f"{environ.get('PATH_INFO', '')}/".startswith(f"{PREFIX}/")
        if method.isalpha() and is_upload and environ["REQUEST_METHOD"] == "POST":
            environ["REQUEST_METHOD"] = method
        return app(environ, start_response)

    return overridden


def _with_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    return response
