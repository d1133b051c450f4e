"""What a tenant does not want to keep longer goes by itself; what is open stays until it is closed."""

import msgspec
import pytest
import redis

from common.ports.stream_registry import StreamRecord
from tests.transcribe_service.asking import READER, problem
from tests.transcribe_service.lifecycle.whole import MEETING, Whole
from transcribe_service.lifecycle.retention import MEETINGS_A_ROUND

DAY_S = 86_400.0


def keep(whole: Whole, *, audio: int | None, transcripts: int | None) -> None:
    wanted = {"audio_days": audio, "transcript_days": transcripts}
    assert whole.ask("PUT", "/v1/retention", json=wanted) == wanted


def test_for_ever_unless_somebody_says_otherwise(whole: Whole, chunks: list[bytes]) -> None:
    for_ever = {"audio_days": None, "transcript_days": None}
    assert whole.ask("GET", "/v1/retention") == for_ever
    whole.upload(chunks)
    whole.sweeps(3, apart_s=1_000 * DAY_S)
    assert whole.words()
    keep(whole, audio=30, transcripts=365)
    assert whole.ask("GET", "/v1/retention") == {"audio_days": 30, "transcript_days": 365}
    keep(whole, audio=None, transcripts=None)
    assert whole.ask("GET", "/v1/retention") == for_ever
    whole.sweeps(3)
    assert whole.words()


def test_meetings_go_when_they_are_too_old(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    keep(whole, audio=7, transcripts=7)
    whole.sweeps(3, apart_s=2 * DAY_S)
    assert whole.words()
    whole.sweeps(3, apart_s=DAY_S)
    assert problem(whole.client.get(MEETING, headers=READER), 404)
    assert whole.stored() == []
    assert not [name for name in whole.stage.blobs.objects if "call-1" in name]


def test_audio_may_go_before_its_transcript(whole: Whole, chunks: list[bytes]) -> None:
    whole.upload(chunks)
    before = whole.words()
    keep(whole, audio=1, transcripts=30)
    whole.sweeps(6, apart_s=DAY_S / 2)
    assert whole.words() == before
    assert whole.ask("GET", MEETING)["complete"] is True
    assert not [name for name in whole.stage.blobs.objects if "call-1" in name]
    assert problem(whole.client.post(f"{MEETING}/replay", headers=READER), 409)["type"].endswith("audio-erased")
    again = problem(whole.client.post(f"{MEETING}/retranscriptions", headers=READER), 409)
    assert again["type"].endswith("audio-erased")
    whole.stage.deliver(whole.stage.upload(chunks, first_seq=50))
    assert not [name for name in whole.stage.blobs.objects if "call-1" in name], "nothing more is taken in"
    whole.sweeps(3, apart_s=15 * DAY_S)
    assert whole.stored() == []


def test_what_is_open_waits_until_it_is_closed(whole: Whole, chunks: list[bytes]) -> None:
    whole.stage.deliver(whole.stage.upload(chunks[:3], end=False))
    whole.pump()
    keep(whole, audio=1, transcripts=30)
    whole.stage.clock.sleep(2 * DAY_S)
    lifecycle = [whole.client.post("/sweep/lifecycle", headers={"Authorization": "Bearer pusher"}) for _ in range(2)]
    assert {each.status_code for each in lifecycle} == {200}
    assert [name for name in whole.stage.blobs.objects if "/chunks/" in name]
    whole.sweeps(5, apart_s=3_700)
    assert not [name for name in whole.stage.blobs.objects if "/chunks/" in name]
    assert whole.words()


def test_many_old_meetings_go_some_at_a_time(whole: Whole) -> None:
    for number in range(2 * MEETINGS_A_ROUND + 3):
        whole.stage.meetings.open("default", f"m{number}", number)
    for number in range(3):
        opened = StreamRecord(tenant="default", meeting_id=f"m{number}", connection_id=f"c{number}", opened_at_ms=0)
        whole.stage.streams.open(opened)
    keep(whole, audio=1, transcripts=1)
    whole.client.post("/sweep/lifecycle", headers={"Authorization": "Bearer pusher"})
    left = len(whole.stage.meetings.stored)
    assert 3 < left < 2 * MEETINGS_A_ROUND + 3
    for _ in range(4):
        whole.stage.clock.sleep(60)
        whole.client.post("/sweep/lifecycle", headers={"Authorization": "Bearer pusher"})
    assert sorted(whole.stage.meetings.stored) == [("default", f"m{number}") for number in range(3)], "they are open"


def test_the_installation_s_retention_counts_for_tenants_that_have_said_nothing(
    hot: redis.Redis, chunks: list[bytes]
) -> None:
    whole = Whole(hot)
    settings = msgspec.structs.replace(whole.world.deps().settings, retention_days=7)
    whole.use(settings)
    assert whole.ask("GET", "/v1/retention") == {"audio_days": 7, "transcript_days": 7}
    whole.upload(chunks)
    whole.stage.meetings.open("other", "m1", 0)
    whole.sweeps(4, apart_s=2 * DAY_S)
    assert whole.stored() == []
    assert whole.stage.meetings.stored == {}


@pytest.mark.parametrize(
    "body",
    [{}, {"audio_days": 1}, {"audio_days": 0, "transcript_days": None}, {"audio_days": "1", "transcript_days": 1}, []],
)
def test_what_is_asked_wrongly_is_said(whole: Whole, body: object) -> None:
    assert problem(whole.client.put("/v1/retention", headers=READER, json=body), 400)
