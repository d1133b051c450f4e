"""What a route says about itself: a decorator for view functions, and the declarations that it takes.

Parameters are declared once, where they are parsed: the tables that know their names are the tables that the document shows.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from common.ids import MAX_ID_LENGTH
from common.openapi.problem_details import ProblemDetails
from common.ports.token_store import Scope

JSON: Final = "application/json"
ANY_BYTES: Final = "application/octet-stream"
ATTRIBUTE: Final = "openapi_description"
"""Where a view function carries its `Operation`."""

IdText = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_ID_LENGTH, pattern="^(?!__.*__$)[A-Za-z0-9_-][A-Za-z0-9._-]*$"),
]
"""An id as `common.ids` checks it, in the regular expressions that OpenAPI has."""


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of the query, the path or the headers. `kind` is a type that msgspec has a JSON schema for."""

    name: str
    kind: Any
    description: str
    required: bool = False
    where: Literal["query", "path", "header"] = "query"


class Header(msgspec.Struct, frozen=True):
    """A header of an answer. Where `required`, every such answer has it."""

    kind: Any
    description: str
    required: bool = False


class Content(msgspec.Struct, frozen=True):
    """A body of one media type: bytes (None), what `kind` describes, or what one of its types does where it is a tuple."""

    media_type: str
    kind: Any = None


class Answer(msgspec.Struct, frozen=True):
    """One way in which a route answers."""

    description: str
    content: tuple[Content, ...] = ()
    headers: Mapping[str, Header] = msgspec.field(default_factory=dict)


class Body(msgspec.Struct, frozen=True):
    """What a request carries."""

    content: tuple[Content, ...]
    description: str = ""
    required: bool = True


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a route says about itself, but for its path."""

    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: Mapping[int, Answer]
    problems: frozenset[int]
    """Statuses with problem details that only this route has; those that many have follow from the rest."""
    problem: type[ProblemDetails]
    scopes: tuple[Scope, ...] | None
    """What its token must allow; None where it takes no token."""
    components: tuple[Any, ...]
    """Types that belong to the route and stand in no body: the messages of a WebSocket."""


View = TypeVar("View", bound=Callable[..., Any])


def described(
    summary: str,
    *,
    description: str = "",
    parameters: Mapping[str, Parameter] | None = None,
    body: Body | None = None,
    answers: Mapping[int, Answer],
    scopes: tuple[Scope, ...] | None,
    problems: tuple[int, ...] = (),
    problem: type[ProblemDetails] = ProblemDetails,
    components: tuple[Any, ...] = (),
) -> Callable[[View], View]:
    """Describe a view function; put it below the route."""
    operation = Operation(
        summary=summary,
        description=description,
        parameters=tuple((parameters or {}).values()),
        body=body,
        answers=answers,
        problems=frozenset(problems),
        problem=problem,
        scopes=scopes,
        components=components,
    )

    def keep(view: View) -> View:
        setattr(view, ATTRIBUTE, operation)
        return view

    return keep


def named(*parameters: Parameter) -> dict[str, Parameter]:
    """A table of parameters by name. Tables are joined with `|`."""
    return {each.name: each for each in parameters}


def json_answer(kind: Any, description: str, headers: Mapping[str, Header] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(description, (Content(JSON, kind),), headers or {})


def json_body(kind: Any, description: str = "") -> Body:
    """A request in JSON, whatever its Content-Type says."""
    return Body((Content(JSON, kind),), description)
