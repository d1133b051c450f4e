"""A replayed meeting is cut and transcribed anew; until then, and whatever fails, readers have what was there."""

import msgspec
import pytest
import redis

from common.events import SegmentReady, StreamReplayed
from tests.transcribe_service.asking import READER, problem
from tests.transcribe_service.fakes import heard
from tests.transcribe_service.lifecycle.whole import MEETING, Whole
from transcribe_service.lifecycle.replay import taken_back

OLD_PREFIX = "segments/"


def replayed(whole: Whole) -> bool:
    return bool(whole.ask("GET", f"{MEETING}/replay")["state"] == "complete")


def test_everything_is_heard_again(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    before, asked = whole.words(), len(whole.world.whisper.asked)
    whole.world.whisper.result = heard(("again", 0.3, 0.6))
    begun = whole.ask("POST", f"{MEETING}/replay", 202)
    assert begun["state"] == "running"
    assert begun["streams"][0]["generation"] == 1
    assert whole.words() == before, "nothing is missing meanwhile"
    assert whole.ask("GET", MEETING)["complete"] is False
    whole.pump()
    assert {text for text, _ in whole.words()} == {"again"}
    assert len(whole.words()) == len(before) // 2
    assert len(whole.world.whisper.asked) == 2 * asked
    assert whole.ask("GET", MEETING)["complete"] is True
    done = whole.ask("GET", f"{MEETING}/replay")
    assert done["state"] == "complete"
    assert {each.generation for each in whole.stored()} == {1}
    objects = [name for name in whole.stage.blobs.objects if name.startswith(whole.stage.objects.all_segments_prefix)]
    assert objects
    assert all("/g1/" in name for name in objects), "what was cut before is gone"


def test_what_has_no_counterpart_any_more_goes_in_the_end(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    (first, *_) = whole.stored()
    stale = msgspec.structs.replace(first, segment_id="call-1:0:999", start_ms=999)
    whole.world.transcripts.put(stale)
    whole.ask("POST", f"{MEETING}/replay", 202)
    whole.pump()
    assert replayed(whole)
    assert "call-1:0:999" not in {each.segment_id for each in whole.stored()}


def test_asked_twice_it_is_one_replay_and_later_another_one(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("POST", f"{MEETING}/replay", 202)
    assert whole.ask("POST", f"{MEETING}/replay", 202)["streams"][0]["generation"] == 1
    whole.pump()
    assert replayed(whole)
    whole.stage.clock.sleep(1)
    assert whole.ask("POST", f"{MEETING}/replay", 202)["streams"][0]["generation"] == 2
    whole.pump()
    assert replayed(whole)
    assert {each.generation for each in whole.stored()} == {2}


def test_old_events_lead_to_nothing_any_more(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    old = [each for each in whole.stage.announced() if each.final]
    whole.ask("POST", f"{MEETING}/replay", 202)
    whole.pump()
    asked = len(whole.world.whisper.asked)
    for event in old:
        assert whole.push(event).status_code == 204
    assert len(whole.world.whisper.asked) == asked
    assert {each.generation for each in whole.stored()} == {1}


@pytest.mark.parametrize("lost", [StreamReplayed, SegmentReady])
def test_lost_events_are_made_up_for(whole: Whole, hot: redis.Redis, chunks: list[bytes], lost: type) -> None:
    whole.upload(chunks)
    whole.lost = {lost}
    whole.ask("POST", f"{MEETING}/replay", 202)
    whole.pump()
    whole.lost = set()
    hot.flushall()
    whole.sweeps(8, apart_s=200)
    assert replayed(whole)
    assert {each.generation for each in whole.stored()} == {1}
    assert whole.ask("GET", MEETING)["complete"] is True


@pytest.mark.parametrize("seed", range(12))
def test_killed_anywhere_the_sweep_finishes_it(whole: Whole, hot: redis.Redis, chunks: list[bytes], seed: int) -> None:
    whole.upload(chunks)
    expected = whole.words()
    whole.chaos(seed, 1 + seed % 6)
    asked = whole.client.post(f"{MEETING}/replay", headers=READER).status_code
    assert asked in {202, 503}
    if seed % 3 == 0:
        hot.flushall()
        whole.stage.restart()
    whole.sweeps(3, apart_s=200)
    whole.peace()
    whole.sweeps(6, apart_s=200)
    work = whole.client.get(f"{MEETING}/replay", headers=READER)
    if asked == 202:
        assert replayed(whole)
    if work.status_code == 200:
        assert {each.generation for each in whole.stored()} == {1}
    assert whole.words() == expected
    assert whole.ask("GET", MEETING)["complete"] is True


def test_without_audio_there_is_nothing_to_replay(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.stage.streams.change("default", "call-1", lambda found: msgspec.structs.replace(found, audio_erased_at_ms=1))
    answer = problem(whole.client.post(f"{MEETING}/replay", headers=READER), 409)
    assert answer["type"].endswith("audio-erased")
    assert problem(whole.client.post("/v1/meetings/none/replay", headers=READER), 404)
    assert problem(whole.client.get("/v1/meetings/none/replay", headers=READER), 404)


def test_a_stream_is_taken_back_once(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    record = whole.stage.record()
    again = taken_back(record, 1)
    assert (again.generation, again.summary) == (1, None)
    assert taken_back(again, 1) is again
    erased = msgspec.structs.replace(record, erased_at_ms=1)
    assert taken_back(erased, 1) is erased
