from typing import Annotated

import jsonschema_rs
import msgspec
import pytest
from msgspec import Meta

from common.openapi.schemas import field_docs, schemas_of


class Inner(msgspec.Struct, frozen=True):
    """Lies inside."""

    ms: Annotated[int, Meta(ge=0)]
    """Milliseconds
    since then; None before."""


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    """Lies outside."""

    inner: tuple[Inner, ...]
    name: str = msgspec.field(default="", name="name[]")
    """What it is called."""
    told: Annotated[str, Meta(description="Told already.")] = ""
    """Told twice."""

    silent: int | None = None

    def method(self) -> None:
        """No field."""


class Grown(Outer, frozen=True, kw_only=True):
    """Has one more."""

    more: bool
    """And more."""


def test_fields_say_what_their_docstrings_say() -> None:
    (reference,), components = schemas_of([Grown])
    assert reference == {"$ref": "#/components/schemas/Grown"}
    told = {name: each.get("description") for name, each in components["Grown"]["properties"].items()}
    assert told == {
        "inner": None,
        "name[]": "What it is called.",
        "told": "Told already.",
        "silent": None,
        "more": "And more.",
    }
    assert components["Inner"]["properties"]["ms"]["description"] == "Milliseconds since then; null before."


def test_what_is_inherited_is_described_too() -> None:
    assert list(field_docs(Grown)) == ["name", "told", "more"]


@pytest.mark.parametrize("kind", [str, int | None, Annotated[float, Meta(gt=0)], list[Inner], bytes])
def test_types_without_a_name_are_schemas_of_their_own(kind: object) -> None:
    (schema,), components = schemas_of([kind])
    jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    assert list(components) == (["Inner"] if kind == list[Inner] else [])
