"""A deleted meeting is gone, whatever was under way and whatever failed; what comes later under its id is another meeting."""

import msgspec
import pytest
import redis

from common.dead_letters import DeadLetters, as_dead_letter
from common.errors import Retryable
from common.events import StreamErased, to_message
from common.object_names import ConnectionObjects
from common.ports.transcript_store import SegmentTranscript
from tests.segmenter_service.stage import split, tone, wav
from tests.transcribe_service.asking import READER, problem
from tests.transcribe_service.lifecycle.whole import MEETING, Whole
from tests.transcribe_service.spoken import segment
from transcribe_service.lifecycle.deletion import PROOF_KEPT_MS, DeletionContent
from transcribe_service.lifecycle.work_content import content_of
from transcribe_service.whisper.client import WhisperResult

IDS = ("meeting-1", "call-1")


def proof_of(whole: Whole) -> list[str]:
    """What may be left: the record of the deletion and the tombstone of the connection."""
    found = whole.everything_with(*IDS)
    return [
        each for each in found if not each.startswith(("work Work(tenant='default', work_id='deletion-", "stream "))
    ]


def test_everything_goes_and_a_listing_says_so(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("PATCH", MEETING, json={"title": "Kept secret", "speaker_names": {"A": "Ada"}})
    begun = whole.ask("DELETE", MEETING, 202)
    assert begun["complete"] is False
    assert begun["left"]["objects"] > 0
    assert begun["left"]["records"] == 0, "nobody reads a word of it any more"
    assert problem(whole.client.get(MEETING, headers=READER), 404)
    whole.pump()
    done = whole.ask("GET", f"/v1/deletions/{begun['deletion_id']}")
    assert done["complete"] is True
    assert done["left"] == {"objects": 0, "segments": 0, "hot_state": 0, "records": 0}
    assert done["connections"] == 1
    assert proof_of(whole) == []
    assert not whole.everything_with("Kept secret", "Ada", "hello")
    (tombstone,) = whole.stage.streams.records.values()
    assert tombstone.options == type(tombstone.options)()


def test_the_proof_goes_in_the_end(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    deletion_id = whole.ask("DELETE", MEETING, 202)["deletion_id"]
    whole.sweeps(10)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is True
    whole.sweeps(9, apart_s=86_400)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is True
    whole.sweeps(2, apart_s=PROOF_KEPT_MS / 1000)
    assert whole.everything_with(*IDS) == []
    assert problem(whole.client.get(f"/v1/deletions/{deletion_id}", headers=READER), 404)


def test_asked_twice_it_is_one_deletion(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    first = whole.ask("DELETE", MEETING, 202)
    assert whole.ask("DELETE", MEETING, 202)["deletion_id"] == first["deletion_id"]
    whole.sweeps(3)
    assert problem(whole.client.delete(MEETING, headers=READER), 404)["type"].endswith("unknown-meeting")


def test_nobody_deletes_what_is_not_theirs(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    assert problem(whole.client.delete("/v1/meetings/another", headers=READER), 404)
    assert problem(whole.client.delete(MEETING), 401)
    assert problem(whole.client.get("/v1/deletions/deletion-" + "0" * 32, headers=READER), 404)
    assert whole.words()


def test_a_connection_that_nobody_has_registered_is_part_of_it(whole: Whole, chunks: list[bytes]) -> None:
    whole.stage.upload(chunks)
    whole.ask("DELETE", MEETING, 202)
    whole.pump()
    assert proof_of(whole) == []


def test_late_chunks_and_late_segments_lead_to_nothing(whole: Whole, chunks: list[bytes]) -> None:
    whole.stage.deliver(whole.stage.upload(chunks))
    in_flight = whole.stage.announced()
    assert any(each.final for each in in_flight)
    deletion_id = whole.ask("DELETE", MEETING, 202)["deletion_id"]
    whole.pump()
    whole.stage.deliver(whole.stage.upload(chunks, first_seq=len(chunks)))
    for event in in_flight:
        assert whole.push(event).status_code == 204
    whole.pump()
    assert proof_of(whole) == []
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is True
    assert not whole.world.whisper.asked


def test_a_segment_that_is_being_transcribed_meanwhile_is_forgotten(whole: Whole, chunks: list[bytes]) -> None:
    whole.stage.deliver(whole.stage.upload(chunks))
    transcribe, deleted = whole.world.whisper.transcribe, list[str]()

    def transcribe_and_delete(audio: bytes, *, language: str, prompt: str, model: str = "") -> WhisperResult:
        if not deleted:
            deleted.append(whole.ask("DELETE", MEETING, 202)["deletion_id"])
        return transcribe(audio, language=language, prompt=prompt, model=model)

    whole.world.whisper.transcribe = transcribe_and_delete  # type: ignore[method-assign]
    whole.pump()
    assert deleted
    assert proof_of(whole) == []


def test_who_dies_between_storing_and_looking_forgets_it_when_the_event_comes_again(
    whole: Whole, chunks: list[bytes]
) -> None:
    whole.stage.deliver(whole.stage.upload(chunks))
    (event, *_) = [each for each in whole.stage.announced() if each.final]
    whole.ask("DELETE", MEETING, 202)
    whole.pump()
    stored = msgspec.structs.replace(_transcript(), segment_id=event.segment_id)
    whole.world.transcripts.put(stored)
    assert whole.push(event).status_code == 204
    assert whole.stored() == []


def test_what_came_late_all_the_same_is_found_by_a_later_look(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    deletion_id = whole.ask("DELETE", MEETING, 202)["deletion_id"]
    whole.sweeps(2)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is True
    whole.stage.blobs.create(whole.stage.objects.chunk(77), b"written by somebody who was asleep")
    whole.world.transcripts.put(_transcript())
    whole.stage.meetings.open("default", "meeting-1", 5)
    found = whole.ask("GET", f"/v1/deletions/{deletion_id}")
    assert found["complete"] is False
    assert (found["left"]["objects"], found["left"]["records"]) == (1, 2)
    whole.sweeps(15)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is True
    assert proof_of(whole) == []


def test_a_new_connection_of_that_name_is_a_new_meeting(whole: Whole, hot: redis.Redis, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.ask("PATCH", MEETING, json={"title": "the old one"})
    deletion_id = whole.ask("DELETE", MEETING, 202)["deletion_id"]
    whole.stage.objects = ConnectionObjects("default", "call-2")
    for each in whole.stage.upload(split(wav(tone(6)), 2)):
        whole.stage.deliver([msgspec.structs.replace(each, connection_id="call-2")])
    whole.pump()
    whole.sweeps(3)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is True
    status = whole.ask("GET", MEETING)
    assert status["title"] == ""
    assert [each["connection_id"] for each in status["streams"]] == ["call-2"]
    assert whole.words()
    assert {each.connection_id for each in whole.stored()} == {"call-2"}
    whole.ask("DELETE", MEETING, 202)
    whole.sweeps(3)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["connections"] == 2
    assert not [
        each for each in whole.everything_with("call-2") if each.startswith(("object", "segment", "meeting", "key"))
    ]


def test_dead_letters_of_its_connections_go_too(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    event = whole.stage.announced()[0]
    letters = DeadLetters(whole.stage.blobs, "raw")
    message = to_message(event, source="/tests", now_ms=1)
    letter = as_dead_letter(message, message_id="1", subscription="transcribe", died_at_ms=1)
    letters.keep(event, letter, Retryable("down", reason="down"), published_ms=1)
    other = msgspec.structs.replace(event, meeting_id="other", connection_id="other")
    message = to_message(other, source="/tests", now_ms=1)
    letter = as_dead_letter(message, message_id="2", subscription="transcribe", died_at_ms=1)
    letters.keep(other, letter, Retryable("down", reason="down"), published_ms=1)
    whole.ask("DELETE", MEETING, 202)
    whole.pump()
    (kept,) = letters.page("default", limit=9).dead_letters
    assert kept.connection_id == "other"


def test_redis_may_be_flushed_and_the_event_lost(whole: Whole, hot: redis.Redis, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    whole.lost = {StreamErased}
    deletion_id = whole.ask("DELETE", MEETING, 202)["deletion_id"]
    hot.flushall()
    whole.sweeps(2)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is False
    whole.lost = set()
    whole.sweeps(3)
    assert whole.ask("GET", f"/v1/deletions/{deletion_id}")["complete"] is True
    assert proof_of(whole) == []


@pytest.mark.parametrize("seed", range(20))
def test_killed_anywhere_the_sweep_finishes_it(whole: Whole, chunks: list[bytes], seed: int) -> None:
    whole.stage.deliver(whole.stage.upload(chunks[: 1 + seed % 6], end=False))
    if seed % 2:
        whole.pump()
    whole.chaos(seed, 1 + seed % 5)
    answer = whole.client.delete(MEETING, headers=READER)
    asked = answer.status_code
    assert asked in {202, 503}
    whole.sweeps(1)
    whole.peace()
    if asked != 202:
        again = whole.client.delete(MEETING, headers=READER)
        assert again.status_code in {202, 404}, "404: the sweep has finished it already"
    whole.stage.deliver(whole.stage.upload(chunks[1 + seed % 6 :], first_seq=1 + seed % 6))
    whole.sweeps(6)
    assert proof_of(whole) == []
    (work,) = whole.world.works.stored.values()
    assert content_of(work, DeletionContent).completed_at_ms is not None


def _transcript() -> SegmentTranscript:
    return msgspec.structs.replace(
        segment(("hello", 0, 500, None)), meeting_id="meeting-1", connection_id="call-1", segment_id="call-1:0:0"
    )
