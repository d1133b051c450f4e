"""The witness on answers that are made up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.contracts.firestore_witness import Witness

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(ms: int) -> datetime:
    return BEGAN + timedelta(milliseconds=ms)


class Api:
    """Commits at the times that it is told, and answers what it is told."""

    def __init__(self, commits_ms: list[int], read_ms: int, seen_ms: int | None) -> None:
        self._commits_ms = iter(commits_ms)
        self._read_ms, self._seen_ms = read_ms, seen_ms

    def commit(self, request: Any) -> Any:
        return SimpleNamespace(
            write_results=[SimpleNamespace(update_time=at(next(self._commits_ms))) for _ in request["writes"]]
        )

    def run_query(self, request: Any) -> Iterator[Any]:
        del request
        if self._seen_ms is not None:
            document = SimpleNamespace(name="a", update_time=at(self._seen_ms))
            yield SimpleNamespace(document=document, read_time=at(self._read_ms))
        else:
            yield SimpleNamespace(document=None, read_time=at(self._read_ms))


@pytest.mark.parametrize(
    ("commits_ms", "read_ms", "seen_ms", "lied"),
    [
        ([10], 20, 10, False),
        ([10, 15], 20, 15, False),
        ([10, 25], 20, 10, False),
        ([10, 15], 20, 10, True),
        ([10, 20], 20, 10, True),
        ([10], 20, None, True),
        ([30], 20, None, False),
        ([10], 10_011, None, False),
    ],
    ids=["seen", "newest seen", "later", "older seen", "at the same time", "missing", "not yet there", "not asked for"],
)
def test_it_says_whether_an_answer_lacks_what_was_committed(
    commits_ms: list[int], read_ms: int, seen_ms: int | None, lied: bool
) -> None:
    api: Any = Api(commits_ms, read_ms, seen_ms)
    witness = Witness(SimpleNamespace(_firestore_api=api))  # type: ignore[arg-type]
    for _ in commits_ms:
        api.commit(request={"writes": [SimpleNamespace(update=SimpleNamespace(name="a"))]})
    assert len(list(api.run_query(request={}))) == 1
    assert witness.lied_to() is lied
