"""Reading the parameters that several routes have. What is wrong raises a 400 `Problem` that names the parameter."""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

from common.openapi.described import Parameter
from common.problems import Problem

CURSOR: Final = Parameter(
    "cursor", Annotated[str, Meta(max_length=1000)], "Where to go on: `next` of the page before. It means nothing else."
)


def limit_parameter(default: int, most: int) -> Parameter:
    """How many a page has at most."""
    kind = Annotated[int, Meta(ge=1, le=most, extra_json_schema={"default": default})]
    return Parameter("limit", kind, "How many at most.")


def limit_of(query: Mapping[str, str], default: int, most: int) -> int:
    """The wanted `limit`, 1 to `most`."""
    found = whole_number(query, "limit", least=1, most=most)
    return default if found is None else found


def whole_number(query: Mapping[str, str], name: str, *, least: int, most: int) -> int | None:
    """A number in decimal digits; None where the parameter is missing."""
    value = query.get(name)
    if value is None:
        return None
    if value.isascii() and value.isdecimal() and len(value) <= len(str(most)) and least <= int(value) <= most:
        return int(value)
    raise wrong(name, f"must be a whole number from {least} to {most}")


def wrong(name: str, problem: str) -> Problem:
    """What to raise about the parameter `name`."""
    return Problem(400, "invalid-parameter", f"{name} {problem}.", parameter=name)
