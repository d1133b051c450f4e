"""What every store of work promises."""

from concurrent.futures import ThreadPoolExecutor

import msgspec

from common.ports.work_store import Work, WorkStore


def work(work_id: str = "w1", *, tenant: str = "acme", due_ms: int | None = 1000, content: object = 0) -> Work:
    return Work(
        tenant=tenant, work_id=work_id, kind="test", due_ms=due_ms, content=msgspec.Raw(msgspec.json.encode(content))
    )


def test_work_is_kept_as_it_was_added_first(works: WorkStore) -> None:
    assert works.add(work(content={"name": "Grüße \x00 '; DROP TABLE"}))
    assert not works.add(work(content=2, due_ms=None))
    found = works.get("acme", "w1")
    assert found == work(content={"name": "Grüße \x00 '; DROP TABLE"})
    assert works.get("acme", "w2") is None
    assert works.get("other", "w1") is None


def test_work_is_due_until_it_is_said_to_be_done(works: WorkStore) -> None:
    for each in (work("c", due_ms=3000), work("a", due_ms=1000), work("b", due_ms=2000, tenant="other")):
        works.add(each)
    works.add(work("never", due_ms=None))

    def due(now_ms: int, limit: int = 9) -> list[str]:
        return [each.work_id for each in works.due(now_ms=now_ms, limit=limit)]

    assert due(999) == []
    assert due(2000) == ["a", "b"]
    assert due(9000, limit=2) == ["a", "b"]
    works.change("acme", "a", lambda found: msgspec.structs.replace(found, due_ms=4000))
    works.change("other", "b", lambda found: msgspec.structs.replace(found, due_ms=None))
    assert due(9000) == ["c", "a"]
    works.change("other", "b", lambda found: msgspec.structs.replace(found, due_ms=1))
    assert due(9000) == ["b", "c", "a"]


def test_of_changes_at_the_same_time_none_is_lost(works: WorkStore) -> None:
    works.add(work(content=0))

    def one_more(found: Work) -> Work:
        count = msgspec.json.decode(found.content, type=int)
        return msgspec.structs.replace(found, content=msgspec.Raw(msgspec.json.encode(count + 1)))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: works.change("acme", "w1", one_more), range(6)))
    assert works.get("acme", "w1") == work(content=6)
    assert works.change("acme", "none", one_more) is None


def test_work_is_forgotten(works: WorkStore) -> None:
    works.add(work())
    works.remove("acme", "w1")
    works.remove("acme", "w1")
    assert works.get("acme", "w1") is None
    assert works.due(now_ms=9000, limit=9) == []
    works.check()
