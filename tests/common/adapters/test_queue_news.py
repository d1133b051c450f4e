"""Hints from processes that publish to the one that dispatches: heard where they can be, and never in anybody's way."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.adapters.embedded import queue_news
from common.adapters.embedded.queue_news import NewsListener, NewsSender
from tests.push_receiver import PATIENCE_S

Listen = Callable[[Callable[[], object]], NewsListener]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "queue.sqlite3"
    path.touch()
    return path


@pytest.fixture
def listening(path: Path) -> Iterator[Listen]:
    begun: list[NewsListener] = []

    def listen(told: Callable[[], object]) -> NewsListener:
        begun.append(NewsListener(path, told))
        return begun[-1]

    yield listen
    for each in begun:
        each.close()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "queue-news"]


def test_a_hint_is_heard_by_whatever_way_the_file_was_found(path: Path, listening: Listen) -> None:
    heard = threading.Semaphore(0)
    listening(heard.release)
    (path.parent / "link").symlink_to(path.parent)
    for name in (path, path.parent / "link" / path.name):
        with closing(NewsSender(name)) as sender:
            sender.tell()
            assert heard.acquire(timeout=PATIENCE_S)


def test_hints_in_a_row_are_one_and_the_last_is_heard_too(
    path: Path, listening: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def pause(_seconds: float) -> None:
        paused.release()
        assert go_on.acquire(timeout=PATIENCE_S)

    monkeypatch.setattr(queue_news, "time", SimpleNamespace(sleep=pause))
    heard: list[None] = []
    listening(lambda: heard.append(None))
    with closing(NewsSender(path)) as sender:
        sender.tell()
        assert paused.acquire(timeout=PATIENCE_S)
        for _ in range(5):
            sender.tell()
        go_on.release()
        assert paused.acquire(timeout=PATIENCE_S)
        assert len(heard) == 2
        go_on.release()


def test_nobody_waits_for_a_listener_that_is_not_there_or_does_not_listen(path: Path, listening: Listen) -> None:
    with closing(NewsSender(path)) as sender:
        sender.tell()
        never, hearing = threading.Event(), threading.Event()

        def told() -> None:
            hearing.set()
            never.wait(PATIENCE_S)

        listening(told)
        sender.tell()
        assert hearing.wait(PATIENCE_S)
        for _ in range(10_000):  # more than the system keeps
            sender.tell()
        never.set()


def test_closed_it_leaves_neither_thread_nor_name(path: Path) -> None:
    before = threads()
    NewsListener(path, lambda: None).close()
    for thread in threads():
        if thread not in before:
            thread.join(PATIENCE_S)
    assert threads() == before
    heard = threading.Event()
    with closing(NewsListener(path, heard.set)), closing(NewsSender(path)) as sender:
        sender.tell()
        assert heard.wait(PATIENCE_S)


def test_without_such_sockets_nothing_is_told_and_nothing_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_news, "_socket", lambda: None)
    with closing(NewsListener(path, lambda: pytest.fail("told"))), closing(NewsSender(path)) as sender:
        sender.tell()
