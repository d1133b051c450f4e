"""JSON schemas of msgspec's types, with what their docstrings say about each field."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec

Json = dict[str, Any]
REFERENCE: Final = "#/components/schemas/"


def schemas_of(kinds: Iterable[Any]) -> tuple[list[Json], dict[str, Json]]:
    """The schema of each of `kinds`, in order, and the components that they refer to, by name."""
    wanted = list(kinds)
    found, components = msgspec.json.schema_components(wanted, ref_template=REFERENCE + "{name}")
    described = {each.__name__: each for each in _structs(wanted)}
    for name, schema in components.items():
        if "description" in schema:
            schema["description"] = for_readers(schema["description"])
        if name in described:
            _describe_fields(schema, described[name])
    return [dict(schema) for schema in found], dict(sorted(components.items()))


def field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What stands below each field in the sources of `struct` and of what it inherits from, by the field's name."""
    docs: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if cls is not msgspec.Struct and issubclass(cls, msgspec.Struct):
            docs |= _docs_in(cls)
    return docs


def for_readers(docstring: str) -> str:
    """On one line, and in JSON's words."""
    return re.sub(r"\bNone\b", "null", " ".join(docstring.split()))


def _docs_in(cls: type) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    docs: dict[str, str] = {}
    name = ""
    for node in tree.body if isinstance(tree, ast.ClassDef) else ():
        match node:
            case ast.AnnAssign(target=ast.Name(id=field)):
                name = field
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                docs[name] = for_readers(text)
                name = ""
            case _:
                name = ""
    return docs


def _describe_fields(schema: Json, struct: type[msgspec.Struct]) -> None:
    encoded = {field.name: field.encode_name for field in msgspec.structs.fields(struct)}
    for name, text in field_docs(struct).items():
        field = schema.get("properties", {}).get(encoded.get(name, ""))
        if field is not None:
            field.setdefault("description", text)


def _structs(kinds: Iterable[Any]) -> Iterable[type[msgspec.Struct]]:
    """Every struct class in `kinds`, however deep."""
    seen: set[Any] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind in seen:
                continue
            seen.add(kind)
            yield kind
            waiting += [field.type for field in msgspec.structs.fields(kind)]
        else:
            waiting += get_args(kind)
