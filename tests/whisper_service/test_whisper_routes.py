import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.clock import SystemClock
from common.health import Drain
from common.settings import Secret
from whisper_service.app import MAX_BODY_BYTES, WhisperDeps, create_app
from whisper_service.settings import WhisperSettings

ROUTE = "/v1/audio/transcriptions"


@pytest.fixture
def drain():
    return Drain()


@pytest.fixture
def app_with(engine, drain):
    def build(**values):
        return create_app(WhisperDeps(WhisperSettings(**values), engine, SystemClock(), drain)).test_client()

    return build


@pytest.fixture
def client(app_with):
    return app_with()


def send(client, audio, headers=None, **fields):
    form = {"file": (io.BytesIO(audio), "audio.wav"), "model": "whisper-1", **fields}
    return client.post(ROUTE, data=form, headers=headers, content_type="multipart/form-data")


def test_the_default_is_json(client, tone_wav):
    answer = send(client, tone_wav)
    assert answer.status_code == 200
    assert answer.get_json() == {"text": "word0 word1"}
    assert int(answer.headers["X-Processing-Ms"]) >= 0


def test_words_are_asked_for_as_openai_has_it(client, engine, tone_wav):
    answer = send(client, tone_wav, response_format="verbose_json", **{"timestamp_granularities[]": "word"})
    assert [word["word"] for word in answer.get_json()["words"]] == ["word0", "word1"]
    assert answer.get_json()["duration"] == 2.5
    assert (engine.requests[0].word_times, engine.requests[0].segment_times) == (True, False)


@pytest.mark.parametrize("granularities", [[], ["segment"]])
def test_without_words_the_decoder_s_own_segments_are_wanted(client, engine, tone_wav, granularities):
    send(client, tone_wav, response_format="verbose_json", **{"timestamp_granularities[]": granularities})
    assert (engine.requests[0].word_times, engine.requests[0].segment_times) == (False, True)


def test_both_granularities_give_words_too(client, engine, tone_wav):
    send(client, tone_wav, response_format="verbose_json", **{"timestamp_granularities[]": ["word", "segment"]})
    assert engine.requests[0].word_times


@pytest.mark.parametrize(("wanted", "media_type"), [("text", "text/plain"), ("srt", "text/plain"), ("vtt", "text/vtt")])
def test_captions_and_text_are_no_json(client, tone_wav, wanted, media_type):
    answer = send(client, tone_wav, response_format=wanted)
    assert answer.mimetype == media_type
    assert "word0 word1" in answer.text


@pytest.mark.parametrize(("sent", "asked"), [("en", "en"), ("en-US", "en"), ("DE", "de"), ("", "")])
def test_language_and_prompt_reach_the_engine(client, engine, tone_wav, sent, asked):
    send(client, tone_wav, language=sent, prompt="names and terms")
    assert (engine.requests[0].language, engine.requests[0].prompt) == (asked, "names and terms")


@pytest.mark.parametrize(
    ("fields", "kind", "named"),
    [
        ({"response_format": "xml"}, "unknown-response-format", "verbose_json"),
        ({"timestamp_granularities[]": "phoneme"}, "unknown-timestamp-granularity", "segment"),
        ({"temperature": "0.4"}, "no-sampling", "temperature"),
        ({"temperature": "warm"}, "no-sampling", "temperature"),
        ({"stream": "true"}, "no-streaming", "stream"),
    ],
)
def test_a_field_that_cannot_be_honoured_is_named(client, tone_wav, fields, kind, named):
    answer = send(client, tone_wav, **fields)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["type"].endswith(f":{kind}")
    assert named in answer.get_json()["detail"]


def test_a_missing_file_is_named(client):
    answer = client.post(ROUTE, data={"model": "whisper-1"}, content_type="multipart/form-data")
    assert (answer.status_code, answer.get_json()["field"]) == (400, "file")
    assert client.post(ROUTE, data=b"raw", content_type="audio/wav").status_code == 400


@pytest.mark.parametrize("audio", [b"", b"not audio at all"])
def test_audio_that_cannot_be_read_is_a_problem(client, audio):
    answer = send(client, audio)
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith(":unreadable-audio")
    assert "bytes" in answer.get_json()["detail"]


def test_audio_that_is_too_long_is_a_problem(app_with, tone_wav):
    answer = send(app_with(whisper_max_audio_sec=2.0), tone_wav)
    assert (answer.status_code, answer.get_json()["type"]) == (400, "urn:turnscribe:problem:audio-too-long")


def test_a_request_that_is_too_large_is_refused(client):
    answer = client.post(ROUTE, data=bytes(MAX_BODY_BYTES + 1), content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.get_json()["limit_bytes"]) == (413, MAX_BODY_BYTES)


def test_the_token_is_asked_for_where_one_is_set(app_with, tone_wav):
    client = app_with(whisper_api_token=Secret("right"))
    assert send(client, tone_wav).status_code == 401
    assert send(client, tone_wav, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert send(client, tone_wav, headers={"Authorization": "Bearer right"}).status_code == 200
    assert client.get("/v1/stats").status_code == 401
    assert client.get("/health").status_code == 200


def test_it_is_ready_once_the_model_is_loaded(client, engine, tone_wav):
    engine.ready = False
    assert client.get("/health").status_code == 200
    assert client.get("/health/ready").get_json()["components"] == {"model": "model_loading"}
    refused = send(client, tone_wav)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    engine.ready = True
    assert client.get("/health/ready").status_code == 200


def test_it_is_not_ready_while_it_drains(client, drain):
    drain.start()
    assert client.get("/health/ready").status_code == 503


def test_beyond_the_queue_the_answer_is_429_and_says_when_to_come_back(app_with, engine, tone_wav):
    client = app_with(whisper_workers=1, whisper_queue=1)
    engine.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        inside = [pool.submit(send, client, tone_wav) for _ in range(2)]
        while client.get("/v1/stats").get_json()["waiting"] < 1:
            pass
        refused = send(client, tone_wav)
        engine.gate.set()
        assert [future.result(30).status_code for future in inside] == [200, 200]
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    assert int(refused.headers["Retry-After"]) >= 1
    stats = client.get("/v1/stats").get_json()
    assert (stats["requests"], stats["audio_seconds"], stats["rejected"]) == (2, 5.0, 1)
