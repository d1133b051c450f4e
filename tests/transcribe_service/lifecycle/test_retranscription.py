"""Another transcription of a meeting: all of it is there before anybody sees a word of it, and the original stays until then."""

import msgspec
import pytest

from common.errors import Permanent
from common.events import SegmentReady, SegmentRelabelled, Turn
from common.stored_relabellings import store_relabelling
from tests.transcribe_service.asking import READER, problem
from tests.transcribe_service.fakes import heard
from tests.transcribe_service.lifecycle.whole import MEETING, Whole
from transcribe_service.lifecycle.retranscription import RECONCILED_AFTER_MS

TAKES = f"{MEETING}/retranscriptions"


def relabelled(of: SegmentReady, *turns: Turn) -> SegmentRelabelled:
    return SegmentRelabelled(
        tenant=of.tenant,
        meeting_id=of.meeting_id,
        connection_id=of.connection_id,
        segment_id=of.segment_id,
        channel=of.channel,
        start_ms=of.start_ms,
        revision=of.revision,
        labels=1,
        turns=turns,
        options=of.options,
        generation=of.generation,
    )


def texts(whole: Whole) -> set[str]:
    return {text for text, _ in whole.words()}


def test_readers_see_all_of_the_old_one_or_all_of_the_new_one(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    before, finals = whole.words(), len(whole.stored())
    asked = len(whole.world.whisper.asked)
    whole.world.whisper.result = heard(("besser", 0.3, 0.6), language="de")
    wanted = {"model": "large", "language": "de", "vocabulary": ["Fibel"]}
    begun = whole.ask("POST", TAKES, 202, json=wanted)
    assert (begun["state"], begun["take"], begun["segments_expected"]) == ("running", "1", finals)
    seen = set[str]()
    while whole.seen < len(whole.stage.publisher.published):
        event = whole.stage.publisher.published[whole.seen]
        whole.seen += 1
        whole.deliver(event)
        seen |= texts(whole)
        assert whole.words() == before
    done = whole.ask("GET", f"{TAKES}/1")
    assert (done["state"], done["segments"]) == ("complete", finals)
    assert texts(whole) == {"besser"}
    assert {language for _, language in whole.world.whisper.asked[asked:]} == {"de"}
    assert set(whole.world.whisper.models[asked:]) == {"large"}
    assert all("Fibel" in prompt for prompt in whole.world.whisper.prompts[asked:])
    assert {each.meeting_id for each in whole.stored()} == {"meeting-1~1"}, "the old one is gone"
    assert whole.ask("GET", MEETING)["complete"] is True


def test_the_uploader_s_choices_stay_where_none_are_made(whole: Whole, chunks: list[bytes]) -> None:
    whole.stage.options = msgspec.structs.replace(whole.stage.options, language="fr", prompt="Bonjour.")
    whole.upload(chunks)
    asked = len(whole.world.whisper.asked)
    whole.ask("POST", TAKES, 202)
    whole.pump()
    assert {language for _, language in whole.world.whisper.asked[asked:]} == {"fr"}
    assert {prompt.strip() for prompt in whole.world.whisper.prompts[asked:]} == {"Bonjour."}


def test_one_at_a_time(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("POST", TAKES, 202, json={"model": "large"})
    published = len(whole.stage.publisher.published)
    assert whole.ask("POST", TAKES, 202, json={"model": "large"})["take"] == "1"
    assert len(whole.stage.publisher.published) == published, "asked again, it is not begun again"
    other = problem(whole.client.post(TAKES, headers=READER, json={"model": "small"}), 409)
    assert other["take"] == "1"
    assert problem(whole.client.post(f"{MEETING}/replay", headers=READER), 409)
    whole.pump()
    whole.sweeps(3)
    assert whole.ask("POST", TAKES, 202, json={"model": "small"})["take"] == "2"
    whole.pump()
    whole.sweeps(3)
    assert whole.ask("GET", f"{TAKES}/2")["state"] == "complete"
    assert {each.meeting_id for each in whole.stored()} == {"meeting-1~2"}


def test_a_meeting_that_is_not_complete_is_not_transcribed_again(whole: Whole, chunks: list[bytes]) -> None:
    whole.stage.deliver(whole.stage.upload(chunks[:3], end=False))
    whole.pump()
    assert problem(whole.client.post(TAKES, headers=READER), 409)["type"].endswith("meeting-not-complete")
    assert problem(whole.client.post("/v1/meetings/none/retranscriptions", headers=READER), 404)
    assert problem(whole.client.get(f"{TAKES}/1", headers=READER), 404)


@pytest.mark.parametrize(
    "body", [{"model": 1}, {"language": "no language"}, {"vocabulary": ["a\nb"]}, {"other": 1}, []]
)
def test_what_is_asked_wrongly_is_said(whole: Whole, chunks: list[bytes], body: object) -> None:
    assert problem(whole.client.post(TAKES, headers=READER, json=body), 400)


def test_where_whisper_refuses_what_it_took_before_the_original_stays(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    before = whole.words()
    whole.world.whisper.errors = [Permanent("no such model", reason="whisper_refused")] * 9
    whole.ask("POST", TAKES, 202, json={"model": "no-such-model"})
    whole.pump()
    whole.world.whisper.errors = []
    failed = whole.ask("GET", f"{TAKES}/1")
    assert (failed["state"], failed["reason"]) == ("failed", "whisper_refused")
    assert whole.words() == before
    assert {each.meeting_id for each in whole.stored()} == {"meeting-1"}
    whole.ask("POST", TAKES, 202)
    whole.pump()
    assert whole.ask("GET", f"{TAKES}/2")["state"] == "complete"


def test_speakers_that_became_known_late_count_in_it_too(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    (first, *_) = [each for each in whole.stage.announced() if each.final]
    store_relabelling(whole.stage.blobs, whole.stage.objects, relabelled(first, Turn("Ada", 0, 60_000)))
    whole.ask("POST", TAKES, 202)
    whole.pump()
    assert whole.ask("GET", f"{TAKES}/1")["state"] == "complete"
    (again,) = [each for each in whole.stored() if each.segment_id == first.segment_id]
    assert {word.speaker for word in again.words} == {"Ada"}


def test_speakers_that_became_known_before_it_was_shown_count_in_it_too(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("POST", TAKES, 202)
    whole.pump()
    (first, *_) = [each for each in whole.stage.announced() if each.final]
    event = relabelled(first, Turn("Ada", 0, 60_000))
    store_relabelling(whole.stage.blobs, whole.stage.objects, event)
    whole.deliver(event)
    assert whole.ask("GET", f"{TAKES}/1")["state"] == "complete"
    (again,) = [each for each in whole.stored() if each.segment_id == first.segment_id]
    assert (again.meeting_id, {word.speaker for word in again.words}) == ("meeting-1~1", {"Ada"})


def test_what_is_cut_late_belongs_to_the_one_that_is_shown(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("POST", TAKES, 202, json={"model": "large"})
    whole.pump()
    assert whole.ask("GET", f"{TAKES}/1")["state"] == "complete"
    (last, *_) = [each for each in whole.stage.announced() if each.final]
    late = msgspec.structs.replace(last, segment_id="call-1:0:90000", start_ms=90_000, end_ms=91_000)
    whole.deliver(late)
    assert {each.meeting_id for each in whole.stored()} == {"meeting-1~1"}


def test_a_replay_of_it_is_seen(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("POST", TAKES, 202)
    whole.pump()
    assert whole.ask("GET", f"{TAKES}/1")["state"] == "complete"
    whole.world.whisper.result = heard(("replayed", 0.3, 0.6))
    whole.ask("POST", f"{MEETING}/replay", 202)
    whole.pump()
    assert whole.ask("GET", f"{MEETING}/replay")["state"] == "complete"
    assert texts(whole) == {"replayed"}


def test_lost_events_are_published_again(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.lost = {SegmentReady}
    whole.ask("POST", TAKES, 202)
    whole.pump()
    whole.lost = set()
    whole.sweeps(1)
    assert whole.ask("GET", f"{TAKES}/1")["state"] == "running", "Whisper may just be slow"
    whole.sweeps(3, apart_s=300)
    assert whole.ask("GET", f"{TAKES}/1")["state"] == "complete"


@pytest.mark.parametrize("seed", range(12))
def test_killed_anywhere_the_sweep_finishes_it(whole: Whole, chunks: list[bytes], seed: int) -> None:
    whole.upload(chunks)
    whole.world.whisper.result = heard(("besser", 0.3, 0.6))
    whole.chaos(seed, 1 + seed % 6)
    asked = whole.client.post(TAKES, headers=READER).status_code
    assert asked in {202, 503}
    whole.pump()
    whole.sweeps(2, apart_s=300)
    whole.peace()
    whole.sweeps(4, apart_s=RECONCILED_AFTER_MS / 1000 * 6)
    begun = whole.client.get(f"{TAKES}/1", headers=READER).status_code == 200
    if asked == 202:
        assert begun
    if begun:
        assert whole.ask("GET", f"{TAKES}/1")["state"] == "complete"
        assert {each.meeting_id for each in whole.stored()} == {"meeting-1~1"}
    assert texts(whole) == ({"besser"} if begun else {"hello", "world"})


def test_it_is_deleted_with_its_meeting(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("POST", TAKES, 202)
    whole.pump()
    whole.ask("GET", f"{TAKES}/1")
    whole.ask("DELETE", MEETING, 202)
    whole.sweeps(3)
    assert whole.stored() == []
