"""Does a long meeting cost more per chunk in its third hour than in its first minute?

    python -m bench.growth [--minutes 180] [--json]

Feeds the segmenter, on the embedded adapters, the chunks and speaker events of one long recording (the demo conversation over
and over), and prints CPU milliseconds per 3-s chunk (reading the chunk to announcing segments; Whisper is not part of it) and
the bytes that the connection has in Redis, minute by minute. Takes about a minute of CPU for every hour of recording.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files
from itertools import cycle, islice, pairwise
from pathlib import Path

import av

from common import logs
from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_meetings import SqliteMeetingStore
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.redis_server import RedisAddress, connect_redis
from common.clock import SystemClock
from common.events import Activity, ChunkStored, SpeakersObserved
from common.object_names import ConnectionObjects
from common.settings import load
from common.stored_chunks import StreamDescription, chunk_metadata, describe_stream, event_content
from segmenter_service.drain import Drainer
from segmenter_service.holding import Surroundings
from segmenter_service.settings import SegmenterSettings
from segmenter_service.voice_activity import VoiceActivity
from turnscribe.demo.live_webm import live_webm

CHUNK_MS = 3_000
CHUNKS_A_MINUTE = 60_000 // CHUNK_MS
WARM_UP_CHUNKS = 5
"""The model loads and caches fill; minute 1 is measured after that."""


def long_recording(minutes: int) -> list[bytes]:
    """The demo conversation, repeated to `minutes`, in 3-s chunks as a browser would post them."""
    data = files("turnscribe").joinpath("demo", "conversation.webm").read_bytes()
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        head = bytes(stream.codec_context.extradata or b"")
        packets = [packet for packet in container.demux(stream) if packet.size]
        times_ms = [round(float(packet.pts * packet.time_base) * 1000) for packet in packets[:2]]
        packet_ms = times_ms[1] - times_ms[0]
    wanted = islice(cycle([bytes(packet) for packet in packets]), minutes * 60_000 // packet_ms)
    whole = live_webm(head, wanted, packet_ms=packet_ms, cluster_ms=CHUNK_MS, writer="bench")
    count = minutes * CHUNKS_A_MINUTE
    edges = [len(whole) * k // count for k in range(count + 1)]
    return [whole[a:b] for a, b in pairwise(edges)]


class Meeting:
    """One connection on the embedded adapters below `root`."""

    def __init__(self, root: Path) -> None:
        clock = SystemClock()
        data_dir = DataDir(root)
        self.blobs = FileBlobStore(data_dir.objects)
        publisher = QueuePublisher(SqliteQueue(data_dir.queue, clock), "/bench", clock)
        streams = SqliteStreamRegistry(data_dir.streams)
        meetings = SqliteMeetingStore(data_dir.meetings)
        settings = load(SegmenterSettings, {"PUSH_TOKEN": "bench", "DATA_DIR": str(root)})
        around = Surroundings(settings, self.blobs, publisher, streams, meetings, VoiceActivity(), clock)
        self.drainer = Drainer(around, connect_redis(RedisAddress("")))
        self.objects = ConnectionObjects("default", "long-call")
        self.blobs.create(self.objects.stream, describe_stream(StreamDescription("long-meeting")))

    def store_chunk(self, seq: int, data: bytes) -> ChunkStored:
        """What ingest does before it publishes."""
        event = ChunkStored(
            tenant="default",
            meeting_id="long-meeting",
            connection_id="long-call",
            seq=seq,
            object_name=self.objects.chunk(seq),
            size_bytes=len(data),
            captured_at_ms=1_700_000_000_000 + (seq + 1) * CHUNK_MS,
        )
        self.blobs.create(event.object_name, data, chunk_metadata(event))
        return event

    def store_observations(self, seq: int) -> Iterator[SpeakersObserved]:
        """The speaker activity of a chunk's three seconds: two speakers who change every seven."""
        for second in range(seq * 3, seq * 3 + 3):
            from_ms = 1_700_000_000_000 + second * 1_000
            speaker = f"speaker-{second // 7 % 2}"
            event = SpeakersObserved(
                tenant="default",
                meeting_id="long-meeting",
                connection_id="long-call",
                observation_id=f"second-{second}",
                object_name=self.objects.speakers(from_ms + 1_000, f"second-{second}"),
                clock="epoch",
                covered_from_ms=from_ms,
                covered_to_ms=from_ms + 1_000,
                activities=(Activity(speaker, from_ms, from_ms + 1_000),),
            )
            self.blobs.create(event.object_name, event_content(event))
            yield event


def measure(minutes: int, root: Path) -> dict[str, object]:
    """CPU and hot state, minute by minute."""
    meeting = Meeting(root)
    cpu_ms: dict[int, list[float]] = defaultdict(list)
    observation_ms: dict[int, list[float]] = defaultdict(list)
    state_bytes = 0
    for seq, data in enumerate(long_recording(minutes)):
        chunk = meeting.store_chunk(seq, data)
        minute = seq // CHUNKS_A_MINUTE + 1
        for observation in meeting.store_observations(seq):
            observation_ms[minute].append(_cpu_ms(meeting, observation))
        spent_ms = _cpu_ms(meeting, chunk)
        if seq >= WARM_UP_CHUNKS:
            cpu_ms[minute].append(spent_ms)
        state_bytes = max(state_bytes, meeting.drainer.mailbox("default", "long-call").size_bytes())
    shown = sorted({m for m in (1, 2, 5, 30, 60, 120, 180) if m <= minutes} | {minutes})
    by_minute = {str(minute): round(_around(cpu_ms, minute), 2) for minute in shown}
    return {
        "cpu_ms_per_chunk": by_minute,
        "cpu_ms_per_observation": {str(m): round(_around(observation_ms, m), 2) for m in shown},
        f"ratio_{minutes}_to_1": round(by_minute[str(minutes)] / by_minute["1"], 3),
        "hot_state_bytes_max": state_bytes,
    }


def _around(values: dict[int, list[float]], minute: int) -> float:
    """The mean over a minute and its two neighbours, where there are any: cuts come every few chunks."""
    near = [value for m in (minute - 1, minute, minute + 1) for value in values.get(m, ())]
    return statistics.fmean(near)


def _cpu_ms(meeting: Meeting, event: ChunkStored | SpeakersObserved) -> float:
    before_s = time.process_time()
    meeting.drainer.deliver(event)
    return (time.process_time() - before_s) * 1000


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=180, help="length of the meeting (default: 180)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    logs.configure("bench", "WARNING", sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments.minutes, Path(folder))
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{'minute':>8} {'CPU ms per 3-s chunk':>22} {'CPU ms per observation':>24}")
    chunks, observations = result["cpu_ms_per_chunk"], result["cpu_ms_per_observation"]
    assert isinstance(chunks, dict)
    assert isinstance(observations, dict)
    for minute, value in chunks.items():
        print(f"{minute:>8} {value:>22.2f} {observations[minute]:>24.2f}")
    for key, value in result.items():
        if not isinstance(value, dict):
            print(f"{key}: {value}")


if __name__ == "__main__":
    sys.exit(main())
