"""A Firestore that takes down what the stores ask and write, and answers that there is nothing. No emulator, no network."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any, Final, NamedTuple

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1 import base_query, query
from google.cloud.firestore_v1.base_collection import BaseCollectionReference
from google.cloud.firestore_v1.types import StructuredQuery

import common

ADAPTERS: Final = Path(common.__file__).parent / "adapters" / "google"
OPERATOR: Final = StructuredQuery.FieldFilter.Operator
EQUAL: Final = {OPERATOR.EQUAL: "EQUAL", OPERATOR.IN: "EQUAL", OPERATOR.ARRAY_CONTAINS: "CONTAINS"}
BUILDERS: Final = ("where", "order_by", "collection_group")


class Asked(NamedTuple):
    """What a query needs of indexes."""

    collection: str
    scope: str
    equal: frozenset[tuple[str, str]]
    """Fields that are compared for equality, each with `EQUAL` or `CONTAINS`: their order in an index does not matter."""
    ordered: tuple[tuple[str, str], ...]
    """Fields that the answer is sorted by, each with its direction: they are an index's last, in this order."""


def asked_by(structured: StructuredQuery) -> Asked:
    """What `structured` needs. A range without an order is answered in its field's ascending order."""
    where = structured.where
    filters = [each.field_filter for each in where.composite_filter.filters] or (
        [where.field_filter] if "field_filter" in where else []
    )
    ordered = {each.field.field_path: each.direction.name for each in structured.order_by}
    ranges = {each.field.field_path: "ASCENDING" for each in filters if each.op not in EQUAL}
    (source,) = structured.from_
    return Asked(
        source.collection_id,
        "COLLECTION_GROUP" if source.all_descendants else "COLLECTION",
        frozenset((each.field.field_path, EQUAL[each.op]) for each in filters if each.op in EQUAL),
        tuple((name, way) for name, way in (ordered or ranges).items() if name != "__name__"),
    )


class RecordedFirestore:
    """`queries` asked, `written` fields by collection, `documents` with their collection, and the functions of the stores that made queries (`builders`)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.queries: list[Asked] = []
        self.builders: set[str] = set()
        self.written: dict[str, set[str]] = {}
        self.documents: list[tuple[str, dict[str, Any]]] = []
        for owner in (base_query.BaseQuery, BaseCollectionReference, firestore.Client):
            for name in BUILDERS:
                if hasattr(owner, name):
                    monkeypatch.setattr(owner, name, self._noting(getattr(owner, name)))

        def answer(asked: Any, **_: Any) -> list[Any]:
            self.queries.append(asked_by(asked._to_protobuf()))
            return []

        def keep(document: Any, fields: dict[str, Any], **_: Any) -> None:
            self.written.setdefault(document.parent.id, set()).update(fields)
            self.documents.append((document.parent.id, fields))

        for kind in (query.Query, query.CollectionGroup):
            monkeypatch.setattr(kind, "get", answer)
        for name in ("create", "set"):
            monkeypatch.setattr(firestore.DocumentReference, name, keep)
        monkeypatch.setattr(firestore.DocumentReference, "get", lambda _, **__: SimpleNamespace(exists=False))

    def _noting(self, builder: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            code = sys._getframe(1).f_code
            if Path(code.co_filename).parent == ADAPTERS:
                self.builders.add(_place(code))
            return builder(*args, **kwargs)

        return noted


def functions_that_make_queries() -> Iterator[str]:
    """Every function of the stores that does, whether it was called or not."""
    for path in sorted(ADAPTERS.glob("firestore_*.py")):
        for code in _codes(compile(path.read_text(), str(path), "exec")):
            if set(BUILDERS) & set(code.co_names):
                yield _place(code)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _place(code: CodeType) -> str:
    return f"{Path(code.co_filename).stem}.{code.co_qualname}"
