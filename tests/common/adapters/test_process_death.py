"""What is left when a process dies of SIGKILL in the middle of its work."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import common
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.adapters.embedded.subscriptions import Subscription
from common.events import Message
from common.ports.transcript_store import rank_of
from common.settings import Secret
from tests.clocks import FakeClock
from tests.push_receiver import PATIENCE_S, Answer, PushReceiver

PUBLISHER = """
import sys, threading
from pathlib import Path
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.clock import SystemClock
from common.events import Message

queue = SqliteQueue(Path(sys.argv[1]), SystemClock())
printing = threading.Lock()

def publish():
    while True:
        message_id = queue.publish("t", Message(b"x" * 3000, {"a": "b"}))
        with printing:
            print(message_id, flush=True)

for _ in range(4):
    threading.Thread(target=publish).start()
"""

WRITER = """
import sys
from pathlib import Path
from common.adapters.embedded.file_blob_store import FileBlobStore

store = FileBlobStore(Path(sys.argv[1]))
for number in range(10**6):
    name = f"raw/{number % 3}/{number:08d}"
    store.create(name, b"%08d" % number * 50_000, {"number": str(number)})
    print(name, flush=True)
"""

DISPATCHER = """
import sys
from pathlib import Path
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.clock import SystemClock
from common.settings import Secret

dispatcher = PushDispatcher(SqliteQueue(Path(sys.argv[1]), SystemClock()), Secret("t"), SystemClock())
dispatcher.start()
sys.stdin.read()
"""

TRANSCRIBER = """
import sys
from pathlib import Path
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.ports.transcript_store import SegmentTranscript, Word

store = SqliteTranscriptStore(Path(sys.argv[1]))
for revision in range(10**6):
    store.put(SegmentTranscript(tenant="default", meeting_id="m", connection_id="c", segment_id="c:0:0", channel=0,
        revision=revision, final=False, start_ms=0, end_ms=1, epoch_offset_ms=0, language="en",
        words=tuple(Word(str(revision), n, n, 0.5) for n in range(200))))
    print(revision, flush=True)
"""


@contextmanager
def process(program: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(Path(common.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def killed_after(program: str, path: Path, lines: int) -> list[str]:
    """Run `program` until it has printed so many lines, kill it, and return all that it printed whole."""
    with process(program, path) as running:
        output: IO[str] | None = running.stdout
        assert output is not None
        printed = [output.readline() for _ in range(lines)]
        running.kill()
        printed += output.readlines()
    return [line.strip() for line in printed if line.endswith("\n")]


def test_every_publication_that_returned_is_there(
    queue_path: Path, clock: FakeClock, open_queue: Callable[[], SqliteQueue]
) -> None:
    with closing(SqliteQueue(queue_path, clock)) as queue:
        queue.subscribe(Subscription(name="s", topic="t", endpoint="http://127.0.0.1:1/"))
    for round_number in range(1, 4):
        acknowledged = killed_after(PUBLISHER, queue_path, lines=40)
        queue = open_queue()
        clock.advance(10**9)
        there = {delivery.message_id for delivery in queue.lease("s", 10**6)}
        assert set(acknowledged) <= there, f"round {round_number}"


def test_every_object_is_whole_or_not_there(tmp_path: Path) -> None:
    for lines in (1, 10, 25):
        acknowledged = killed_after(WRITER, tmp_path, lines)
        with closing(FileBlobStore(tmp_path)) as store:
            there = {info.name: info for info in store.list("")}
            assert set(acknowledged) <= there.keys()
            for name, info in there.items():
                number = int(name[-8:])
                assert info.size_bytes == 400_000
                assert info.metadata == {"number": str(number)}
                assert store.read(name) == b"%08d" % number * 50_000
        assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["starting"]


def test_what_a_dead_dispatcher_had_in_flight_is_delivered_at_once_by_the_next(
    queue_path: Path, clock: FakeClock, open_queue: Callable[[], SqliteQueue], receiver: PushReceiver
) -> None:
    queue = open_queue()
    queue.subscribe(Subscription(name="test", topic="t", endpoint=receiver.url(), ack_deadline_s=600, max_in_flight=2))
    never = threading.Event()
    receiver.answer(Answer(204, after=never), Answer(204, after=never))
    for number in range(3):
        queue.publish("t", Message(b"%d" % number, {}))
    with process(DISPATCHER, queue_path) as dying:
        receiver.wait_for(2)
        standing_by = PushDispatcher(queue, Secret("t"), clock)
        standing_by.start()
        dying.kill()
    received = receiver.wait_for(5)
    assert standing_by.stop(PATIENCE_S)
    attempts = sorted((each.pushed.message.data, each.pushed.delivery_attempt) for each in received)
    assert attempts == [(b"0", 1), (b"0", 2), (b"1", 1), (b"1", 2), (b"2", 1)]
    assert [backlog.messages for backlog in queue.backlogs()] == [0]
    never.set()


def test_every_transcript_that_was_stored_is_there(tmp_path: Path) -> None:
    path = tmp_path / "transcripts.sqlite3"
    acknowledged = killed_after(TRANSCRIBER, path, lines=15)
    with closing(SqliteTranscriptStore(path)) as store:
        (segment,) = store.segments("default", "m")
        assert store.stored_rank("default", "m", "c:0:0") == rank_of(segment)
        assert segment.revision >= int(acknowledged[-1])
        assert {word.text for word in segment.words} == {str(segment.revision)}
