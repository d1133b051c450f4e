"""Words get speakers anew: in every order of events the newest hold, and Whisper is asked once."""

from itertools import permutations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import Retryable
from common.events import Event, SegmentReady, SegmentRelabelled, TranscriptUpdated, Turn
from common.object_names import ConnectionObjects
from common.ports.meeting_store import take_of
from common.ports.transcript_store import SegmentTranscript
from common.stored_relabellings import store_relabelling
from segmenter_service import announced
from tests.transcribe_service.fakes import World, segment_ready, worker_in
from transcribe_service.recognition import attribution
from transcribe_service.recognition.relabelling import Relabeller

UNKNOWN: tuple[Turn, ...] = ()
READY = segment_ready(turns=UNKNOWN)
NEWEST = "Speaker 2"


def relabelling(labels: int, *, of: SegmentReady = READY) -> SegmentRelabelled:
    return SegmentRelabelled(
        tenant=of.tenant,
        meeting_id=of.meeting_id,
        connection_id=of.connection_id,
        segment_id=of.segment_id,
        channel=of.channel,
        start_ms=of.start_ms,
        revision=of.revision,
        labels=labels,
        turns=(Turn(f"Speaker {labels}", 0, 20_000),),
        generation=of.generation,
    )


@pytest.fixture
def world() -> World:
    world = World()
    world.blobs.create(READY.object_name, b"fLaC")
    return world


def objects(of: Event = READY) -> ConnectionObjects:
    return ConnectionObjects(of.tenant, of.connection_id)


def relabeller_in(world: World) -> Relabeller:
    return Relabeller(world.transcripts, world.meetings, world.publisher)


def push(world: World, event: Event) -> None:
    """As the segmenter does it: a relabelling is stored before it is published."""
    if isinstance(event, SegmentRelabelled):
        store_relabelling(world.blobs, objects(event), event)
        relabeller_in(world).handle(event)
    else:
        assert isinstance(event, SegmentReady)
        worker_in(world).handle(event)


def stored(world: World, take: str = "") -> SegmentTranscript | None:
    return world.transcripts.get("default", take_of("m1", take), READY.segment_id)


def speakers(world: World, take: str = "") -> set[str | None]:
    found = stored(world, take)
    return {word.speaker for word in found.words} if found else set()


def announced_labels(world: World) -> list[int]:
    return [event.labels for event in world.publisher.published if isinstance(event, TranscriptUpdated)]


ORDERS = sorted(set(permutations(["ready", "ready", "one", "two", "two"])))


@pytest.mark.parametrize("order", ORDERS, ids=["-".join(order) for order in ORDERS])
def test_in_every_order_the_newest_speakers_hold(world: World, order: tuple[str, ...]) -> None:
    events = {"ready": READY, "one": relabelling(1), "two": relabelling(2)}
    for name in order:
        push(world, events[name])
    assert speakers(world) == {NEWEST}
    assert announced_labels(world)[-1] == 2
    assert len(world.whisper.asked) == 1


@pytest.mark.parametrize("moment", ["recognising", "before the transcript is stored", "after it is stored"])
@pytest.mark.parametrize("delivered", [True, False])
def test_a_relabelling_that_comes_while_the_words_are_recognised_is_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str, delivered: bool
) -> None:
    """Stored in that moment, and handled in it or never: the worker that stores the words looks for it."""
    transcribe, put = world.whisper.transcribe, world.transcripts.put
    happened = []

    def happens() -> None:
        if happened:
            return
        happened.append(moment)
        if delivered:
            push(world, relabelling(2))
        else:
            store_relabelling(world.blobs, objects(), relabelling(2))

    def transcribing(*args: object, **kwargs: object) -> object:
        if moment == "recognising":
            happens()
        return transcribe(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came

    def putting(segment: SegmentTranscript) -> object:
        if moment.startswith("before"):
            happens()
        result = put(segment)
        if moment.startswith("after"):
            happens()
        return result

    monkeypatch.setattr(world.whisper, "transcribe", transcribing)
    monkeypatch.setattr(world.transcripts, "put", putting)
    worker_in(world).handle(READY)
    assert happened
    assert speakers(world) == {NEWEST}
    assert announced_labels(world)[-1] == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_fails_on_the_way_the_newest_speakers_hold(data: st.DataObject) -> None:
    world = World()
    world.blobs.create(READY.object_name, b"fLaC")
    events: list[Event] = [READY, relabelling(1), relabelling(2)]
    for event in data.draw(st.permutations(events * 2)):
        for faults in (world.transcripts.faults.before, world.transcripts.faults.after, world.publisher.faults.before):
            faults[:] = [Retryable("down", reason="down")] * data.draw(st.sampled_from([0, 0, 1]))
        for _ in range(8):
            try:
                push(world, event)
                break
            except Retryable:
                continue
        else:
            raise AssertionError("a push failed eight times")
    assert speakers(world) == {NEWEST}
    assert announced_labels(world)[-1] == 2


def test_a_provisional_transcript_waits_for_its_final_one(world: World) -> None:
    live = segment_ready(final=False, revision=1, turns=UNKNOWN)
    world.blobs.create(live.object_name, b"fLaC")
    push(world, live)
    push(world, relabelling(2))
    assert speakers(world) == {None}
    push(world, READY)
    assert speakers(world) == {NEWEST}


@pytest.mark.parametrize("other", [{"revision": 2}, {"generation": 1}])
def test_what_is_said_of_another_cut_changes_nothing(world: World, other: dict[str, int]) -> None:
    push(world, READY)
    push(world, msgspec.structs.replace(relabelling(2), **other))
    assert speakers(world) == {None}
    push(world, READY)
    assert speakers(world) == {None}
    assert announced_labels(world) == [0, 0]


def test_the_transcription_that_readers_see_gets_them_too(world: World) -> None:
    world.meetings.open("default", "m1", 0)
    again = msgspec.structs.replace(READY, take="better")
    push(world, READY)
    push(world, again)
    world.meetings.change("default", "m1", lambda meeting: msgspec.structs.replace(meeting, take="better"))
    push(world, relabelling(2))
    assert speakers(world) == speakers(world, "better") == {NEWEST}
    assert [(event.take, event.labels) for event in world.publisher.published if isinstance(event, TranscriptUpdated)][
        -2:
    ] == [
        ("", 2),
        ("better", 2),
    ]


def test_another_transcription_that_is_made_later_has_them_from_the_beginning(world: World) -> None:
    push(world, READY)
    push(world, relabelling(1))
    push(world, relabelling(2))
    push(world, msgspec.structs.replace(READY, take="better"))
    assert speakers(world, "better") == {NEWEST}


def test_everything_but_the_speakers_stays(world: World) -> None:
    push(world, READY)
    before = stored(world)
    push(world, relabelling(2))
    after = stored(world)
    assert before is not None
    assert after is not None
    nobody = tuple(msgspec.structs.replace(word, speaker=None) for word in after.words)
    assert msgspec.structs.replace(after, words=nobody, labels=0) == before


def test_the_segmenter_announces_what_can_change_an_attribution() -> None:
    assert announced.REACH_MS == attribution.REACH_MS
