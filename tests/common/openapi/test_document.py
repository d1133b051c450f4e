"""The document of a small application: what routes say, and what follows from what they take."""

from typing import Any

import pytest
import schemathesis
from flask import Blueprint, Flask, Response
from msgspec import Struct

from common.openapi.described import (
    Answer,
    Body,
    Content,
    Header,
    IdText,
    Parameter,
    described,
    json_answer,
    json_body,
    named,
)
from common.openapi.document import Undescribed, openapi_document, undescribed
from common.openapi.problem_details import ProblemDetails
from common.openapi.route import openapi_blueprint
from common.ports.token_store import Scope


class Thing(Struct, frozen=True):
    """A thing."""

    name: str
    """What it is called."""


class Rumour(Struct, frozen=True):
    """Something that is said on another channel."""

    of: Thing


class SpecialProblem(ProblemDetails, frozen=True, kw_only=True):
    """With more."""

    more: int


THING_ID = Parameter("thing_id", IdText, "The thing.", where="path")
TOKEN = Parameter("token", str, "The token.")


def application() -> Flask:
    app = Flask("things", static_folder=None)
    routes = Blueprint("things", __name__, url_prefix="/v1/things")

    @routes.put("/<path:thing_id>/parts/<part>")
    @described(
        "Store a part",
        description="At length.",
        parameters=named(THING_ID, Parameter("part", int, "Its number.", where="path"), TOKEN),
        body=Body((Content("application/octet-stream"),)),
        answers={201: Answer("It is stored.", headers={"Location": Header(str, "Where.", required=True)})},
        problems=(413,),
        scopes=(Scope.INGEST,),
    )
    def put_part(thing_id: str, part: str) -> Response:
        return Response()

    @routes.route("", methods=["OPTIONS"], provide_automatic_options=False)
    @routes.route("/<path:thing_id>", methods=["OPTIONS"], provide_automatic_options=False)
    @described(
        "What there is",
        parameters=named(THING_ID),
        answers={204: Answer("This.")},
        scopes=None,
        components=(Rumour,),
    )
    def options(thing_id: str = "") -> Response:
        return Response()

    @routes.post("")
    @described(
        "Make a thing",
        body=json_body(Thing),
        answers={
            200: Answer("Made.", (Content("application/json", (Thing, Rumour)), Content("text/plain", str))),
            503: json_answer(Thing, "Not made."),
        },
        scopes=(),
        problem=SpecialProblem,
    )
    def post() -> Response:
        return Response()

    @routes.get("/quiet")
    def quiet() -> Response:
        return Response()

    app.register_blueprint(routes)
    return app


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document([application()], "things")


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()


def test_paths_and_methods_are_those_that_the_routes_answer(document: dict[str, Any]) -> None:
    assert {path: set(methods) for path, methods in document["paths"].items()} == {
        "/v1/things": {"post", "options"},
        "/v1/things/{thing_id}": {"options"},
        "/v1/things/{thing_id}/parts/{part}": {"put"},
    }


def test_a_view_that_answers_two_rules_has_the_variables_and_a_name_for_each(document: dict[str, Any]) -> None:
    both = [document["paths"][path]["options"] for path in ("/v1/things", "/v1/things/{thing_id}")]
    assert len({each["operationId"] for each in both}) == 2
    assert [[parameter["name"] for parameter in each.get("parameters", [])] for each in both] == [[], ["thing_id"]]


def test_what_a_route_says_is_there(document: dict[str, Any]) -> None:
    put = document["paths"]["/v1/things/{thing_id}/parts/{part}"]["put"]
    assert (put["operationId"], put["tags"]) == ("things_put_part", ["things"])
    assert (put["summary"], put["description"]) == ("Store a part", "At length.")
    assert [(each["name"], each["in"], each["required"]) for each in put["parameters"]] == [
        ("thing_id", "path", True),
        ("part", "path", True),
    ]
    assert put["requestBody"] == {"required": True, "content": {"application/octet-stream": {}}}
    assert put["responses"]["201"]["headers"]["Location"]["required"] is True


def test_a_token_is_a_way_to_authenticate_and_no_parameter(document: dict[str, Any]) -> None:
    put = document["paths"]["/v1/things/{thing_id}/parts/{part}"]["put"]
    assert put["security"] == [{"bearer": ["ingest"]}, {"query": ["ingest"]}]
    assert document["paths"]["/v1/things"]["options"]["security"] == []


def test_problems_follow_from_what_a_route_takes(document: dict[str, Any]) -> None:
    put = document["paths"]["/v1/things/{thing_id}/parts/{part}"]["put"]
    assert list(put["responses"]) == ["201", "400", "401", "403", "404", "413", "414", "429", "431", "503"]
    things = document["paths"]["/v1/things"]
    assert list(things["options"]["responses"]) == ["204"]
    assert list(things["post"]["responses"]) == ["200", "400", "401", "403", "414", "429", "431", "503"]
    refused = things["post"]["responses"]["400"]["content"]["application/problem+json"]
    assert refused["schema"] == {"$ref": "#/components/schemas/SpecialProblem"}
    assert "application/json" in things["post"]["responses"]["503"]["content"], "what a route says itself stays"


def test_one_media_type_may_have_several_shapes(document: dict[str, Any]) -> None:
    content = document["paths"]["/v1/things"]["post"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {
        "anyOf": [{"$ref": "#/components/schemas/Thing"}, {"$ref": "#/components/schemas/Rumour"}]
    }
    assert content["text/plain"]["schema"] == {"type": "string"}


def test_types_that_stand_in_no_body_are_components(document: dict[str, Any]) -> None:
    assert {"Rumour", "Thing", "ProblemDetails", "SpecialProblem"} == set(document["components"]["schemas"])


def test_routes_for_people_that_say_nothing_are_found() -> None:
    assert undescribed(application()) == ["/v1/things/quiet"]


def test_a_description_must_fit_its_route() -> None:
    app = Flask("things", static_folder=None)

    @app.get("/v1/<name>")
    @described("Wrong", answers={200: Answer("Yes.")}, scopes=None)
    def wrong(name: str) -> Response:
        return Response()

    with pytest.raises(Undescribed, match="/v1/<name>"):
        openapi_document([app], "things")


def test_several_applications_have_one_document() -> None:
    other = Flask("others", static_folder=None)

    @other.get("/v1/others")
    @described("Others", answers={200: json_answer(Thing, "These.")}, scopes=None)
    def others() -> Response:
        return Response()

    assert "/v1/others" in openapi_document([application(), other], "all")["paths"]


def test_it_is_served_without_a_token() -> None:
    app = application()
    app.register_blueprint(openapi_blueprint(app, "things"))
    client = app.test_client()
    first, again = client.get("/openapi.json"), client.get("/openapi.json")
    assert first.content_type == "application/json"
    assert first.json is not None
    assert first.json["info"]["title"] == "things"
    assert first.data == again.data
