"""Whether Firestore kept its word: "any read with an equal or greater read_time is guaranteed to see the effects of the commit".

Its emulator does not: on a busy machine a query's answer can lack what was committed up to 30 ms before the time that it says it was read
as of. What a store makes of such an answer says nothing about the store.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from google.cloud import firestore

_ASKED_FOR: Final = timedelta(seconds=10)
"""Queries may leave out what was committed longer before than this."""


class Witness:
    """Remembers what was committed and answered through a client, from its construction on."""

    def __init__(self, client: firestore.Client) -> None:
        self._commits: list[tuple[str, datetime]] = []
        self._answers: list[tuple[datetime, dict[str, datetime]]] = []
        api = client._firestore_api
        self._commit, self._run_query = api.commit, api.run_query
        api.commit, api.run_query = self._committed, self._answered

    def _committed(self, request: Any, **options: Any) -> Any:
        answer = self._commit(request=request, **options)
        for write, result in zip(request["writes"], answer.write_results, strict=True):
            self._commits.append((write.update.name, result.update_time))
        return answer

    def _answered(self, request: Any, **options: Any) -> Iterator[Any]:
        documents: dict[str, datetime] = {}
        read: list[datetime] = []
        for each in self._run_query(request=request, **options):
            if each.document:
                documents[each.document.name] = each.document.update_time
            read.append(each.read_time)
            yield each
        if read:
            self._answers.append((min(read), documents))

    def lied_to(self) -> bool:
        """Whether an answer lacked what had been committed before the time that it was read as of."""
        return any(
            at <= read and documents.get(name, read - _ASKED_FOR) < at
            for read, documents in self._answers
            for name, at in self._commits
        )
