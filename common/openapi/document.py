"""An application's OpenAPI 3.1 document, from what its view functions say about themselves (`described`)."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from flask import Flask
from msgspec import structs
from werkzeug.routing import Rule

from common import __version__
from common.openapi.described import ATTRIBUTE, Answer, Body, Content, Header, Operation, Parameter
from common.openapi.schemas import Json, schemas_of
from common.problems import MEDIA_TYPE

PUBLIC: Final = ("/v1", "/api", "/health")
"""Every route below these is for people and their programs, and describes itself."""
CREDENTIAL: Final = "token"
"""The query parameter that stands for the Authorization header: it is described as a way to authenticate, not as a parameter."""
SECURITY_SCHEMES: Final[Json] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token in the Authorization header."},
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": CREDENTIAL,
        "description": "The same, for what can't set headers. Mind that addresses end up in other people's logs.",
    },
}
_RETRY_AFTER: Final = Header(int, "Seconds after which to try again.")
_WWW_AUTHENTICATE: Final = Header(str, "How to authenticate.", required=True)
_PROBLEMS: Final[dict[int, str]] = {
    400: "What was sent breaks a rule; the answer names what, and where.",
    401: "The token is missing or not valid.",
    403: "The token does not allow this.",
    404: "There is nothing here.",
    406: "There is nothing in a media type that is accepted.",
    409: "What is stored already says otherwise, and stays.",
    411: "The body's length is not declared, and this server can't do without.",
    412: "The client speaks another version of the protocol.",
    413: "The body is larger than what is allowed here.",
    414: "The query is too long.",
    415: "The body can't be read as what it should be.",
    416: "There is no such part of it.",
    422: "The Idempotency-Key was sent with something else before.",
    426: "Only WebSocket is spoken here.",
    429: "Too much at a time, or in a short time.",
    431: "A header is too long.",
    501: "This server is not set up for it; the answer says what is missing.",
    503: "Something that is needed is away for now, or the server is being stopped. The same request may succeed later.",
    504: "It was not done within the time that a request may take. It goes on; the answer says where it will be.",
}
_LONG_HEADS: Final = frozenset({414, 431})
"""What is far too long is refused by gunicorn already, which knows no problem details."""
_VARIABLE: Final = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


class Undescribed(Exception):
    """A description that does not fit its route."""


class _Schemas:
    """Places for schemas, filled once all types are known."""

    def __init__(self) -> None:
        self._places: list[tuple[Any, Json]] = []

    def of(self, kind: Any) -> Json:
        """An object that will be the schema of `kind`."""
        place: Json = {}
        self._places.append((kind, place))
        return place

    def fill(self) -> dict[str, Json]:
        """Make every place what it was promised to be. Returns the components."""
        found, components = schemas_of(kind for kind, _ in self._places)
        for (_, place), schema in zip(self._places, found, strict=True):
            place.update(schema)
        return components


def openapi_document(apps: Iterable[Flask], title: str) -> Json:
    """The document of everything that `apps` serve together; the first that has a path describes it."""
    schemas = _Schemas()
    paths: dict[str, Json] = {}
    for app in apps:
        for path, methods in _paths(app, schemas).items():
            paths.setdefault(path, methods)
    components = schemas.fill()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": "Live or recorded speech in, speaker-attributed transcripts out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components, "securitySchemes": SECURITY_SCHEMES},
    }


def undescribed(app: Flask) -> list[str]:
    """Rules of `app` for people and programs that say nothing about themselves."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PUBLIC) and _operation(app, rule) is None and rule.endpoint != "static"
    )


def _paths(app: Flask, schemas: _Schemas) -> dict[str, Json]:
    paths: dict[str, Json] = {}
    names = Counter[str]()
    for rule in app.url_map.iter_rules():
        operation = _operation(app, rule)
        if operation is None or rule.websocket:  # a WebSocket begins as a GET, which is described
            continue
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        parameters = tuple(each for each in operation.parameters if each.where != "path" or each.name in rule.arguments)
        if rule.arguments != {each.name for each in parameters if each.where == "path"}:
            raise Undescribed(f"{rule.rule}: not all of {sorted(rule.arguments)} are described")
        for method in _methods(rule):
            name = rule.endpoint.replace(".", "_")
            names[name] += 1  # one view may answer several rules
            paths.setdefault(path, {})[method] = {
                "operationId": name if names[name] == 1 else f"{name}_{names[name]}",
                "tags": [rule.endpoint.partition(".")[0]],
                **_operation_object(structs.replace(operation, parameters=parameters), schemas),
            }
    return paths


def _operation(app: Flask, rule: Rule) -> Operation | None:
    view: Callable[..., Any] = app.view_functions[rule.endpoint]
    found: Operation | None = getattr(view, ATTRIBUTE, None)
    return found


def _methods(rule: Rule) -> Iterator[str]:
    """The methods that the route itself answers, in lower case."""
    methods = rule.methods or set()
    added = {"HEAD"} if "GET" in methods else set[str]()
    if getattr(rule, "provide_automatic_options", False):
        added.add("OPTIONS")
    yield from sorted(method.lower() for method in methods - added)


def _operation_object(operation: Operation, schemas: _Schemas) -> Json:
    described: Json = {"summary": operation.summary}
    if operation.description:
        described["description"] = operation.description
    described["security"] = []
    if operation.scopes is not None:
        names = [scope.value for scope in operation.scopes]
        described["security"] = [{scheme: names} for scheme in SECURITY_SCHEMES]
    parameters = [each for each in operation.parameters if each.name != CREDENTIAL]
    if parameters:
        described["parameters"] = [_parameter(each, schemas) for each in parameters]
    if operation.body is not None:
        described["requestBody"] = _body(operation.body, schemas)
    answers = {status: _answer(answer, schemas) for status, answer in operation.answers.items()}
    for status in _problem_statuses(operation) - set(answers):
        answers[status] = _answer(_problem(operation, status), schemas)
    described["responses"] = {str(status): answers[status] for status in sorted(answers)}
    for kind in operation.components:
        schemas.of(kind)
    return described


def _problem_statuses(operation: Operation) -> frozenset[int]:
    """What the route names, and what follows from what it takes."""
    statuses = set(operation.problems)
    if operation.parameters or operation.body:
        statuses.add(400)
    if operation.scopes is not None:
        statuses |= {401, 403, 429, 503} | _LONG_HEADS
    if any(each.where == "path" for each in operation.parameters):
        statuses.add(404)
    return frozenset(statuses)


def _problem(operation: Operation, status: int) -> Answer:
    headers = {401: {"WWW-Authenticate": _WWW_AUTHENTICATE}, 429: {"Retry-After": _RETRY_AFTER}}
    headers[503] = headers[429]
    text = _PROBLEMS.get(status, f"{HTTPStatus(status).phrase}.")
    content = Content(MEDIA_TYPE, operation.problem)
    by_gunicorn = (Content("text/html", str),) if status in _LONG_HEADS else ()
    return Answer(text, (content, *by_gunicorn), headers.get(status, {}))


def _parameter(parameter: Parameter, schemas: _Schemas) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "required": parameter.required or parameter.where == "path",
        "schema": schemas.of(parameter.kind),
    }


def _body(body: Body, schemas: _Schemas) -> Json:
    described: Json = {"description": body.description} if body.description else {}
    return described | {"required": body.required, "content": _contents(body.content, schemas)}


def _answer(answer: Answer, schemas: _Schemas) -> Json:
    described: Json = {"description": answer.description}
    if answer.headers:
        described["headers"] = {
            name: {"description": header.description, "required": header.required, "schema": schemas.of(header.kind)}
            for name, header in answer.headers.items()
        }
    if answer.content:
        described["content"] = _contents(answer.content, schemas)
    return described


def _contents(contents: tuple[Content, ...], schemas: _Schemas) -> Json:
    """By media type. Bytes have no schema: OpenAPI 3.1 says so of what is no text."""

    def of(kind: Any) -> Json:
        if kind is None:
            return {}
        return {
            "schema": {"anyOf": [schemas.of(each) for each in kind]} if isinstance(kind, tuple) else schemas.of(kind)
        }

    return {each.media_type: of(each.kind) for each in contents}
