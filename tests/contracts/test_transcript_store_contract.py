"""What every transcript store promises."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.ports.transcript_store import SegmentTranscript, Stored, TranscriptStore, Word, rank, rank_of, supersedes
from transcribe_service.recognition.agreement import with_confirmed


def transcript(
    *,
    meeting_id: str = "m1",
    connection_id: str = "c1",
    start_ms: int = 0,
    revision: int = 0,
    final: bool = False,
    epoch_offset_ms: int = 1_700_000_000_000,
    tenant: str = "default",
    text: str = "",
) -> SegmentTranscript:
    return SegmentTranscript(
        tenant=tenant,
        meeting_id=meeting_id,
        connection_id=connection_id,
        segment_id=f"{connection_id}:0:{start_ms}",
        channel=0,
        revision=revision,
        final=final,
        start_ms=start_ms,
        end_ms=start_ms + 1000,
        epoch_offset_ms=epoch_offset_ms,
        language="en",
        words=(Word(text or f"r{revision}", start_ms, start_ms + 300, 0.5, "Ünal"), Word("blank", 0, 1, 0.25)),
    )


def test_what_was_put_is_read_back(transcripts: TranscriptStore) -> None:
    segment = transcript(text="Grüße, \x00 '; DROP TABLE")
    assert transcripts.put(segment) is Stored.STORED
    assert transcripts.segments("default", "m1") == [segment]
    assert transcripts.stored_rank("default", "m1", "c1:0:0") == rank(generation=0, final=False, revision=0)


def test_an_unknown_meeting_has_no_segments(transcripts: TranscriptStore) -> None:
    assert transcripts.segments("default", "none") == []
    assert transcripts.stored_rank("default", "none", "c1:0:0") is None
    assert transcripts.get("default", "none", "c1:0:0") is None


VERSIONS = st.lists(
    st.tuples(st.integers(0, 1), st.booleans(), st.integers(0, 3), st.booleans(), st.integers(0, 2)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(VERSIONS, st.randoms(use_true_random=False))
def test_any_order_of_revisions_ends_the_same(transcripts: TranscriptStore, versions: list, chance) -> None:
    meeting_id = uuid.uuid4().hex
    stored: SegmentTranscript | None = None
    chance.shuffle(versions)
    for generation, final, revision, transcribed, labels in versions:
        new = msgspec.structs.replace(
            transcript(meeting_id=meeting_id, final=final, revision=revision),
            generation=generation,
            labels=labels,
            standby=not transcribed,
        )
        expected = Stored.STORED if stored is None or supersedes(new, stored) else Stored.SUPERSEDED
        assert transcripts.put(new) is expected
        stored = new if expected is Stored.STORED else stored
    assert stored is not None
    assert transcripts.stored_rank("default", meeting_id, "c1:0:0") == rank_of(stored)
    generation, final, revision, transcribed, labels = max(versions)
    newest = (stored.generation, stored.final, stored.revision, not stored.standby, stored.labels)
    assert newest == (generation, final, revision, transcribed, labels)
    assert transcripts.segments("default", meeting_id) == [transcripts.get("default", meeting_id, "c1:0:0")] == [stored]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.permutations(["live 1", "live 2", "live 3", "final"]))
def test_a_final_revision_is_firm_whenever_live_ones_come(transcripts: TranscriptStore, order: list[str]) -> None:
    texts = {"live 1": "so", "live 2": "So we", "live 3": "so we measured", "final": "So we measured it."}
    meeting_id = uuid.uuid4().hex
    for name in order:
        new = transcript(meeting_id=meeting_id, final=name == "final", revision=list(texts).index(name) + 1)
        words = tuple(Word(text, 100 * at, 100 * at + 90, 0.9) for at, text in enumerate(texts[name].split()))
        before = transcripts.get("default", meeting_id, new.segment_id)
        transcripts.put(with_confirmed(msgspec.structs.replace(new, words=words), before))
        stored = transcripts.get("default", meeting_id, new.segment_id)
        assert stored is not None
        marks = [word.confirmed for word in stored.words]
        assert marks == sorted(marks, reverse=True)
        assert all(marks) or not stored.final
    assert stored is not None
    assert [(word.text, word.confirmed) for word in stored.words] == [(each, True) for each in texts["final"].split()]
    assert transcripts.segments("default", meeting_id) == [stored]


def test_of_simultaneous_revisions_the_newest_stays(transcripts: TranscriptStore) -> None:
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda revision: transcripts.put(transcript(revision=revision)), range(40)))
    assert transcripts.stored_rank("default", "m1", "c1:0:0") == rank(generation=0, final=False, revision=39)


def test_of_simultaneous_equal_revisions_one_is_stored(transcripts: TranscriptStore) -> None:
    with ThreadPoolExecutor(8) as writers:
        outcomes = list(writers.map(lambda _: transcripts.put(transcript(revision=3, final=True)), range(8)))
    assert outcomes.count(Stored.STORED) == 1


def test_segments_come_in_order_of_time_across_connections(transcripts: TranscriptStore) -> None:
    later = transcript(connection_id="c1", start_ms=0, epoch_offset_ms=5000)
    earlier = transcript(connection_id="c2", start_ms=4000, epoch_offset_ms=0)
    tie = transcript(connection_id="c3", start_ms=5000, epoch_offset_ms=0)
    for segment in (tie, later, earlier):
        transcripts.put(segment)
    assert transcripts.segments("default", "m1") == [earlier, later, tie]


def test_meetings_and_tenants_are_apart(transcripts: TranscriptStore) -> None:
    transcripts.put(transcript())
    transcripts.put(transcript(tenant="other", revision=9))
    transcripts.put(transcript(meeting_id="m2", revision=8))
    assert transcripts.stored_rank("default", "m1", "c1:0:0") == rank(generation=0, final=False, revision=0)
    assert [segment.tenant for segment in transcripts.segments("default", "m1")] == ["default"]
    transcripts.delete_segment("other", "m1", "c1:0:0")
    assert transcripts.segments("default", "m1") == [transcript()]


def test_deleting_is_idempotent(transcripts: TranscriptStore) -> None:
    transcripts.put(transcript(revision=7, final=True))
    transcripts.delete_segment("default", "m1", "c1:0:0")
    transcripts.delete_segment("default", "m1", "c1:0:0")
    assert transcripts.segments("default", "m1") == []
    assert transcripts.put(transcript()) is Stored.STORED


def test_a_whole_meeting_is_deleted_and_no_other(transcripts: TranscriptStore) -> None:
    for start_ms in range(0, 700_000, 1000):
        transcripts.put(transcript(start_ms=start_ms))
    transcripts.put(transcript(meeting_id="m1~2"))
    transcripts.put(transcript(tenant="other"))
    transcripts.delete_meeting("default", "m1")
    transcripts.delete_meeting("default", "m1")
    assert transcripts.segments("default", "m1") == []
    assert transcripts.segments("default", "m1~2") == [transcript(meeting_id="m1~2")]
    assert transcripts.segments("other", "m1") == [transcript(tenant="other")]


def test_a_store_that_works_is_ready(transcripts: TranscriptStore) -> None:
    transcripts.check()  # raises where it is not
    assert transcripts.segments("default", "nobody") == []
