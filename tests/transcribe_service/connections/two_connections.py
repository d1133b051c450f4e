"""Meetings with several connections, as the segmenter leaves them in registry and bucket. Times are in milliseconds since EPOCH_MS."""

from collections.abc import Sequence

import msgspec

from common.events import ChunkStored, SegmentReady, StreamOptions
from common.object_names import ConnectionObjects
from common.ports.stream_registry import Gap, StreamRecord, StreamSummary
from common.ports.transcript_store import SegmentTranscript
from common.stored_chunks import chunk_metadata
from common.stored_segments import store_event
from tests.transcribe_service.fakes import World, standby_in
from transcribe_service.connections.take_over_sweep import TakeOverSweep, TookOver

EPOCH_MS = 1_700_000_000_000
TAKE_OVER_S = 30.0
SHARED = StreamOptions()


def opened(world: World, name: str, *, options: StreamOptions = SHARED) -> None:
    world.streams.open(
        StreamRecord(
            tenant="default",
            meeting_id="m1",
            connection_id=name,
            opened_at_ms=EPOCH_MS + len(world.streams.records),
            options=options,
        )
    )


def closed(world: World, name: str, start: int, end: int, gaps: Sequence[tuple[int, int]] = ()) -> None:
    world.streams.close(
        "default",
        name,
        StreamSummary(
            closed_at_ms=world.clock.now_ms(),
            chunks=1,
            audio_ms=end - start,
            segments=0,
            segment_ms=0,
            silence_skipped_ms=0,
            gaps=tuple(Gap(1, 1, gap_from - start, gap_to - start) for gap_from, gap_to in gaps),
            epoch_offset_ms=EPOCH_MS + start,
        ),
    )


def captured(world: World, name: str, seq: int, at: int) -> None:
    """A chunk whose audio ends at `at`."""
    event = ChunkStored(
        tenant="default",
        meeting_id="m1",
        connection_id=name,
        seq=seq,
        object_name=ConnectionObjects("default", name).chunk(seq),
        size_bytes=1,
        captured_at_ms=EPOCH_MS + at,
    )
    world.blobs.create(event.object_name, b"x", chunk_metadata(event))


def final(
    world: World,
    name: str,
    start: int,
    end: int,
    *,
    whole_from: int = 0,
    options: StreamOptions = SHARED,
    channel: int = 0,
) -> SegmentReady:
    """A final segment in the bucket; its event reaches nobody yet."""
    objects = ConnectionObjects("default", name)
    event = SegmentReady(
        tenant="default",
        meeting_id="m1",
        connection_id=name,
        segment_id=f"{name}:{channel}:{start}",
        channel=channel,
        revision=2,
        final=True,
        start_ms=start,
        end_ms=end,
        padding_ms=200,
        object_name=objects.final_segment(channel, start),
        epoch_offset_ms=EPOCH_MS,
        whole_from_ms=whole_from,
        options=options,
    )
    world.blobs.create(event.object_name, name.encode(), store_event(world.blobs, objects, event))
    return event


def live(event: SegmentReady) -> SegmentReady:
    """A provisional revision of the same."""
    return msgspec.structs.replace(event, final=False, revision=1)


def stored(world: World, event: SegmentReady) -> SegmentTranscript | None:
    return world.transcripts.get("default", "m1", event.segment_id)


def take_over_sweep(world: World) -> TakeOverSweep:
    deps = world.deps()
    return TakeOverSweep(deps.settings, world.blobs, world.publisher, world.transcripts, standby_in(world), world.clock)


def swept(world: World, *, after_s: float = TAKE_OVER_S) -> TookOver:
    world.clock.advance(after_s)
    return take_over_sweep(world).run()


def standing_by(world: World) -> list[str]:
    """Names of what stands by and is not certain to be covered."""
    return sorted(name for name in world.blobs.objects if "standing-by" in name)


def taken_over(world: World) -> list[SegmentReady]:
    return [each for each in world.publisher.published if isinstance(each, SegmentReady)]
