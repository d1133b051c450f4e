import dataclasses

import msgspec
import pytest

from common.errors import Backpressure, Permanent, Retryable
from common.events import SegmentReady, StreamOptions, TranscriptUpdated, Turn
from common.object_names import ConnectionObjects
from common.ports.transcript_store import SegmentTranscript
from tests.transcribe_service.fakes import DOWN, World, heard, segment_ready, worker_in
from transcribe_service.whisper.client import WhisperResult, WhisperSegment

SATURATED = Backpressure("saturated", reason="whisper_saturated", retry_after_s=3)


def with_audio(world: World, event: SegmentReady) -> SegmentReady:
    world.blobs.create(event.object_name, b"fLaC")
    return event


def only_transcript(world: World) -> SegmentTranscript:
    (found,) = world.transcripts.stored.values()
    return found


def test_a_final_segment_is_stored_with_its_words_in_stream_time_and_announced(world: World) -> None:
    event = with_audio(world, segment_ready())
    worker_in(world).handle(event)
    stored = only_transcript(world)
    assert [(w.text, w.start_ms, w.end_ms, w.speaker) for w in stored.words] == [
        ("hello", 3200, 3600, "Ada"),
        ("world", 3700, 4100, "Ada"),
    ]
    assert (stored.final, stored.revision, stored.language, stored.end_ms) == (True, 3, "en", 13_200)
    (announced,) = world.publisher.published
    assert isinstance(announced, TranscriptUpdated)
    assert (announced.segment_id, announced.revision, announced.final) == (event.segment_id, 3, True)


def test_the_same_event_twice_asks_whisper_once(world: World) -> None:
    event = with_audio(world, segment_ready())
    worker_in(world).handle(event)
    first = only_transcript(world)
    worker_in(world).handle(event)
    assert len(world.whisper.asked) == 1
    assert only_transcript(world) == first
    assert len({each.event_id for each in world.publisher.published}) == 1


def test_a_crash_between_storing_and_announcing_is_healed_by_the_redelivery(world: World) -> None:
    event = with_audio(world, segment_ready())
    world.publisher.faults.before.append(DOWN)
    with pytest.raises(Retryable):
        worker_in(world).handle(event)
    assert world.publisher.published == []
    worker_in(world).handle(event)
    assert len(world.publisher.published) == 1
    assert len(world.whisper.asked) == 1


def test_a_store_that_fails_after_writing_changes_nothing_in_the_end(world: World) -> None:
    event = with_audio(world, segment_ready())
    world.transcripts.faults.after.append(DOWN)
    with pytest.raises(Retryable):
        worker_in(world).handle(event)
    worker_in(world).handle(event)
    assert len(world.publisher.published) == 1


@pytest.mark.parametrize("late", [segment_ready(revision=2, final=False), segment_ready(revision=9, final=False)])
def test_a_provisional_revision_after_the_final_one_is_not_transcribed(world: World, late: SegmentReady) -> None:
    worker_in(world).handle(with_audio(world, segment_ready()))
    worker_in(world).handle(with_audio(world, late))
    assert len(world.whisper.asked) == 1
    assert only_transcript(world).final
    assert len(world.publisher.published) == 1


def test_a_copy_that_runs_at_the_same_time_announces_what_the_other_stored(world: World) -> None:
    event = with_audio(world, segment_ready())

    class Overtaken(type(world.whisper)):  # type: ignore[misc]  # the fake's class, whichever it is
        def transcribe(self, audio: bytes, *, language: str, prompt: str, model: str = "") -> WhisperResult:
            worker_in(world).handle(event)
            world.publisher.published.clear()
            return heard(("other", 0.2, 0.5))

    worker = worker_in(world)
    dataclasses.replace(worker, recogniser=dataclasses.replace(worker.recogniser, whisper=Overtaken())).handle(event)
    assert [word.text for word in only_transcript(world).words] == ["hello", "world"]
    assert len(world.publisher.published) == 1


def test_a_final_segment_whose_audio_is_missing_comes_back(world: World) -> None:
    with pytest.raises(Retryable) as failed:
        worker_in(world).handle(segment_ready())
    assert failed.value.reason == "segment_audio_missing"


def test_a_provisional_one_whose_successor_is_there_is_given_up(world: World) -> None:
    objects = ConnectionObjects("default", "c1")
    event = with_audio(world, segment_ready(final=False, revision=3))
    world.blobs.create(objects.provisional_segment(0, event.start_ms, 4), b"fLaC")
    worker_in(world).handle(event)
    assert world.whisper.asked == []
    last = msgspec.structs.replace(event, revision=4, object_name=objects.provisional_segment(0, event.start_ms, 4))
    worker_in(world).handle(last)
    assert only_transcript(world).revision == 4


def test_a_provisional_one_whose_audio_is_gone_is_given_up(world: World) -> None:
    worker_in(world).handle(segment_ready(final=False))
    assert world.whisper.asked == []
    assert world.transcripts.stored == {}


@pytest.mark.parametrize("error", [SATURATED, Retryable("down", reason="whisper_unreachable")])
def test_when_whisper_is_busy_or_down_live_work_is_given_up_and_final_work_comes_back(
    world: World, error: Retryable | Backpressure
) -> None:
    world.whisper.errors = [error, error]
    worker_in(world).handle(with_audio(world, segment_ready(final=False, revision=1)))
    assert world.transcripts.stored == {}
    with pytest.raises(type(error)):
        worker_in(world).handle(with_audio(world, segment_ready()))


def test_audio_that_whisper_refuses_is_permanent(world: World) -> None:
    world.whisper.errors = [Permanent("no", reason="whisper_refused_audio")]
    with pytest.raises(Permanent):
        worker_in(world).handle(with_audio(world, segment_ready()))
    settled = only_transcript(world)
    assert (settled.final, settled.words, settled.refused) == (True, (), "whisper_refused_audio")
    assert [event.final for event in world.publisher.published] == [True]


def test_beyond_its_places_an_instance_pushes_back(world: World) -> None:
    worker = worker_in(world, places=1)
    event = with_audio(world, segment_ready())
    with worker.recogniser.places.taken(wait_s=0), pytest.raises(Backpressure) as failed:
        worker.handle(event)
    assert failed.value.reason == "processing_threads_busy"
    worker.handle(event)
    assert only_transcript(world).final


def test_a_place_is_free_again_after_a_failure(world: World) -> None:
    worker = worker_in(world, places=1)
    event = with_audio(world, segment_ready())
    world.whisper.errors = [SATURATED]
    with pytest.raises(Backpressure):
        worker.handle(event)
    worker.handle(event)
    assert len(world.whisper.asked) == 2


def test_separate_channels_are_their_speakers(world: World) -> None:
    options = StreamOptions(channels="separate", channel_speakers=("Agent",))
    for channel in (0, 1):
        worker_in(world).handle(with_audio(world, segment_ready(channel=channel, options=options)))
    speakers = {t.channel: {word.speaker for word in t.words} for t in world.transcripts.stored.values()}
    assert speakers == {0: {"Agent"}, 1: {"channel-1"}}


def test_words_are_given_to_whom_the_turns_name(world: World) -> None:
    turns = (Turn("Ada", 3000, 3650), Turn("Grace", 3650, 9000))
    worker_in(world).handle(with_audio(world, segment_ready(turns=turns)))
    assert [word.speaker for word in only_transcript(world).words] == ["Ada", "Grace"]


def test_a_segment_in_which_nothing_was_heard_is_stored_without_words(world: World) -> None:
    world.whisper.result = WhisperResult(
        text="Thank you.",
        words=heard(("Thank", 0.0, 1.0), ("you.", 1.0, 2.0)).words,
        segments=(WhisperSegment(0.0, 10.0, "Thank you.", avg_logprob=-1.4, no_speech_prob=0.8),),
    )
    worker_in(world).handle(with_audio(world, segment_ready()))
    assert only_transcript(world).words == ()
    assert len(world.publisher.published) == 1


def test_words_that_are_not_believed_are_counted_with_their_reason(world: World) -> None:
    words = [(text, 0.2 * at, 0.2 * at + 0.2) for at, text in enumerate(["Well", *["okay."] * 8, "..."])]
    world.whisper.result = heard(*words, ("bye", 20.0, 21.0))
    worker_in(world).handle(with_audio(world, segment_ready()))
    stored = only_transcript(world)
    assert [word.text for word in stored.words] == ["Well", "okay."]
    assert stored.dropped == {"outside_audio": 1, "no_letters": 1, "repetition": 7}


def test_words_on_which_two_live_revisions_agree_are_firm_and_so_are_all_final_ones(world: World) -> None:
    def confirmed_after(event: SegmentReady, *texts: str) -> list[str]:
        world.whisper.result = heard(*((text, 0.2 + 0.3 * at, 0.4 + 0.3 * at) for at, text in enumerate(texts)))
        worker_in(world).handle(with_audio(world, event))
        return [word.text for word in only_transcript(world).words if word.confirmed]

    assert confirmed_after(segment_ready(revision=1, final=False, end_ms=5_200), "So", "we", "saw") == []
    assert confirmed_after(segment_ready(revision=2, final=False, end_ms=8_200), "so", "we", "sawed") == ["so", "we"]
    assert confirmed_after(segment_ready(revision=3), "So", "we", "sought", "it") == ["So", "we", "sought", "it"]
    # a late provisional one changes nothing
    assert confirmed_after(segment_ready(revision=2, final=False), "else") == ["So", "we", "sought", "it"]


def test_whisper_is_asked_in_the_language_that_the_uploader_named(world: World) -> None:
    worker_in(world).handle(with_audio(world, segment_ready(options=StreamOptions(language="pt-BR"))))
    assert world.whisper.asked == [(b"fLaC", "pt")]
