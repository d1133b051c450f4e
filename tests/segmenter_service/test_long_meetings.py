"""Promise 8, counted: what a chunk costs in Redis and in the bucket is the same late in a meeting as early in it.

CPU time is measured by `bench.growth`. What is counted here needs no quiet machine: it is the same each time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
import redis

from common.ports.blob_store import BlobInfo, Created
from tests.memory_ports import FakeBlobs
from tests.segmenter_service.stage import Samples, Stage, silence, split, talk, wav

CHUNKS_A_MINUTE = 6
WINDOWS = 4


class CountedBlobs(FakeBlobs):
    """A bucket that counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.bytes = 0

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        self.calls += 1
        self.bytes += len(data)
        return super().create(name, data, metadata)

    def read(self, name: str) -> bytes:
        self.calls += 1
        data = super().read(name)
        self.bytes += len(data)
        return data

    def info(self, name: str) -> BlobInfo:
        self.calls += 1
        return super().info(name)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        self.calls += 1
        for info in super().list(prefix, start_after=start_after):
            self.bytes += len(info.name)
            yield info


@dataclass(frozen=True)
class Counted:
    """What so many chunks took."""

    redis_commands: int
    redis_bytes: int
    bucket_calls: int
    bucket_bytes: int
    state_bytes: int


class Counter:
    """Reads the counters of Redis and of the bucket."""

    def __init__(self, client: redis.Redis, blobs: CountedBlobs) -> None:
        self._client = client
        self._blobs = blobs
        self._last = self._now()

    def _now(self) -> tuple[int, int, int, int]:
        stats = self._client.info("stats")
        moved = stats["total_net_input_bytes"] + stats["total_net_output_bytes"]
        return stats["total_commands_processed"], moved, self._blobs.calls, self._blobs.bytes

    def since(self, state_bytes: int) -> Counted:
        """What was used since the last time."""
        now = self._now()
        used = [after - before for after, before in zip(now, self._last, strict=True)]
        self._last = now
        return Counted(used[0], used[1], used[2], used[3], state_bytes)


def of_no_known_length(file: bytes) -> tuple[bytes, bytes]:
    """Head and samples of a WAV file as a recorder writes it that does not know when it will end."""
    at = file.index(b"data") + 4
    return file[:at] + b"\xff\xff\xff\xff", file[at + 4 :]


def played(stage: Stage, counter: Counter, minute: Samples, window: int) -> list[Counted]:
    """What WINDOWS times so many minutes of the same took, each window by itself."""
    head, samples = of_no_known_length(wav(minute))
    chunks = split(samples, CHUNKS_A_MINUTE)
    found: list[Counted] = []
    for number in range(WINDOWS):
        largest = 0
        for seq in range(number * window * CHUNKS_A_MINUTE, (number + 1) * window * CHUNKS_A_MINUTE):
            at_ms, data = seq * 10_000, chunks[seq % CHUNKS_A_MINUTE]
            seen = stage.observe(at_ms, at_ms + 10_000, (("A", "B")[seq % 2], at_ms, at_ms + 10_000))
            chunk = stage.upload([data if seq else head + data], first_seq=seq, chunk_ms=10_000, end=False)
            stage.deliver([seen, *chunk])
            largest = max(largest, stage.drainer.mailbox("default", "call-1").size_bytes())
        found.append(counter.since(largest))
    return found


@pytest.mark.slow
@pytest.mark.component("redis")
@pytest.mark.parametrize(
    ("minute", "window", "tolerance"),
    [
        # Pauses where people make them. Cuts, anchors and checkpoints come every few chunks, and not in step with the minutes:
        # what grew with the meeting would more than double.
        pytest.param(talk(7, 0.6, 11, 0.8, 9, 0.5, 13, 1.2, 10, 6.9), 2, 1.4, id="speech"),
        # Nothing is cut. The tolerance is for numbers that take a byte more once they are larger.
        pytest.param(silence(60), 4, 1.05, id="silence"),
    ],
)
def test_a_chunk_costs_as_much_late_in_a_meeting_as_early(
    redis_server: int, minute: Samples, window: int, tolerance: float
) -> None:
    with redis.Redis("127.0.0.1", redis_server) as client:
        client.flushall()
        stage = Stage(client, PCM_CACHE_MIB="1")
        stage.blobs = blobs = CountedBlobs()
        stage.restart()
        windows = played(stage, Counter(client, blobs), minute, window)
    early, late = windows[1], windows[-1]  # the first one has the beginning in it
    assert early.redis_commands > window * CHUNKS_A_MINUTE
    assert early.bucket_calls > window * CHUNKS_A_MINUTE
    assert late.redis_commands <= tolerance * early.redis_commands
    assert late.redis_bytes <= tolerance * early.redis_bytes
    assert late.bucket_calls <= tolerance * early.bucket_calls
    assert late.bucket_bytes <= tolerance * early.bucket_bytes
    assert late.state_bytes <= tolerance * early.state_bytes
