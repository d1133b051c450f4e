"""Live revisions are made of what is new, and of nothing that a segmenter which is behind is only catching up with."""

import msgspec
import redis

from common.errors import Permanent
from common.events import ChunkStored, to_message
from common.health import Drain
from common.push import SharedTokenAuth, push_blueprint
from common.settings import Secret
from common.web import base_app
from segmenter_service.segments import LIVE_MS
from tests.segmenter_service.stage import Stage, split, talk, tone, wav
from transcribe_service.settings import TranscribeSettings


def keep_nothing(_body: bytes, error: Permanent) -> None:
    raise AssertionError("nothing is wrong with these events") from error


def push(stage: Stage, chunks: list[bytes], *, first_seq: int, age_ms: int) -> list[tuple[int, bool]]:
    """Push chunks of 3 s that were accepted so long ago; returns end and finality of the revisions that this announced."""
    app = base_app("segmenter", {}, Drain())
    auth = SharedTokenAuth(Secret("push"))
    app.register_blueprint(push_blueprint({ChunkStored: stage.drainer.deliver}, keep_nothing, auth))
    before = len(stage.announced())
    for seq, data in enumerate(chunks, first_seq):  # one by one: what lies in the bucket already would be found there
        (event,) = stage.upload([data], first_seq=seq, end=False)
        message = to_message(event, source="/turnscribe/ingest", now_ms=stage.clock.now_ms() - age_ms)
        headers = {**message.attributes, "x-goog-pubsub-message-id": "1", "Authorization": "Bearer push"}
        assert app.test_client().post("/push/segmenter", data=message.data, headers=headers).status_code == 204
    return [(event.end_ms, event.final) for event in stage.announced()[before:]]


def test_audio_that_was_accepted_in_time_is_shown(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, TRANSCRIBER_STEP_SEC="2")
    assert [final for _, final in push(stage, split(wav(tone(6)), 2), first_seq=0, age_ms=LIVE_MS)] == [False, False]


def test_what_is_too_old_is_not_shown_nor_stored_and_what_comes_in_time_again_is(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, TRANSCRIBER_STEP_SEC="2")
    chunks = split(wav(tone(9)), 3)
    push(stage, chunks[:1], first_seq=0, age_ms=0)
    shown = [name for name in stage.blobs.objects if "/provisional/" in name]
    assert push(stage, chunks[1:2], first_seq=1, age_ms=LIVE_MS + 1) == []
    assert [name for name in stage.blobs.objects if "/provisional/" in name] == shown
    ((end_ms, final),) = push(stage, chunks[2:], first_seq=2, age_ms=0)
    assert not final
    assert end_ms > 8_000, "it has what was not shown before"


def test_final_segments_are_the_same_however_late_their_audio_is(redis_client: redis.Redis) -> None:
    segments = []
    for number, age_ms in enumerate((0, LIVE_MS * 10)):
        redis_client.flushdb()
        stage = Stage(redis_client, TRANSCRIBER_STEP_SEC="2", SPEAKER_WAIT_SEC="0")
        announced = push(stage, split(wav(talk(9, 0.8, 9, 0.8, 9, 2.4, 9)), 14), first_seq=0, age_ms=age_ms)
        live = [end_ms for end_ms, final in announced if not final]
        assert len(live) > 5 if number == 0 else len(live) <= 1, (
            "of the first chunk it is not known when it was accepted"
        )
        segments.append(stage.finals())
    assert segments[0] == segments[1]
    assert segments[0]


def test_the_limit_is_that_of_transcribe() -> None:
    default = {field.name: field.default for field in msgspec.structs.fields(TranscribeSettings)}
    assert default["provisional_max_age_sec"] * 1000 == LIVE_MS
