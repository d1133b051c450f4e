"""OpenAI's own Python client against the local stack with real Whisper: only its base URL and key are ours."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.e2e.conftest import READY_S, demo_environment
from tests.e2e.excerpts import EXCERPT_S, write_excerpt
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.local_server import LocalServer, free_port

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(400)]
BEGINNING = "good morning everyone"


@pytest.fixture(scope="module")
def whisper(server: LocalServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key=server.token, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("recordings")
    written = {kind: folder / f"excerpt.{kind}" for kind in ("webm", "wav", "m4a")}
    for kind, path in written.items():
        write_excerpt(path, kind)
    return written


@pytest.mark.parametrize("kind", ["webm", "wav", "m4a"])
def test_the_client_s_first_example_works_with_every_container(
    whisper: OpenAI, recordings: dict[str, Path], kind: str
) -> None:
    with recordings[kind].open("rb") as file:
        found = whisper.audio.transcriptions.create(model="whisper-1", file=file)
    assert BEGINNING in found.text.lower().replace(",", "")
    assert found.usage is not None
    assert found.usage.type == "duration"
    assert found.usage.seconds == pytest.approx(EXCERPT_S, abs=0.25)


def test_text_srt_and_vtt_are_texts(whisper: OpenAI, recordings: dict[str, Path]) -> None:
    create, path = whisper.audio.transcriptions.create, recordings["webm"]
    text = create(model="whisper-1", file=path, response_format="text")
    srt = create(model="whisper-1", file=path, response_format="srt")
    vtt = create(model="whisper-1", file=path, response_format="vtt")
    assert BEGINNING in text.lower().replace(",", "")
    assert srt.startswith("1\n00:00:0")
    assert vtt.startswith("WEBVTT\n\n00:00:0")


def test_verbose_json_has_segments_and_words_with_times(whisper: OpenAI, recordings: dict[str, Path]) -> None:
    found = whisper.audio.transcriptions.create(
        model="whisper-1",
        file=recordings["webm"],
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
        temperature=0,
        prompt="A meeting.",
    )
    assert found.language.startswith("en")
    assert found.duration == pytest.approx(EXCERPT_S, abs=0.25)
    assert found.words is not None
    assert found.segments is not None
    assert " ".join(word.word for word in found.words) == found.text
    assert all(0 <= word.start <= word.end <= EXCERPT_S + 0.5 for word in found.words)
    assert " ".join(each.text for each in found.segments) == found.text
    assert all(-2 < each.avg_logprob <= 0 for each in found.segments)


def test_diarized_json_names_the_channels_speakers(whisper: OpenAI, recordings: dict[str, Path]) -> None:
    found = whisper.audio.transcriptions.create(
        model="whisper-1",
        file=recordings["wav"],
        response_format="diarized_json",
        extra_body={"channels": "separate", "channel_speakers": "Chair"},
    )
    assert {each.speaker for each in found.segments} == {"Chair"}
    assert " ".join(each.text for each in found.segments) == found.text


def test_the_meeting_is_there_with_all_that_is_known(
    whisper: OpenAI, recordings: dict[str, Path], client: Client
) -> None:
    raw = whisper.audio.transcriptions.with_raw_response.create(model="whisper-1", file=recordings["webm"])
    meeting_id = raw.headers["Turnscribe-Meeting-Id"]
    document = json.loads(client.transcript_bytes(meeting_id, "json"))
    assert " ".join(each["text"] for each in document["utterances"]) == raw.parse().text


def test_a_file_that_is_no_audio_is_the_caller_s_error(whisper: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="begins no recording that can be read") as caught:
        whisper.audio.transcriptions.create(model="whisper-1", file=("talk.pdf", io.BytesIO(b"%PDF-1.7 and more")))
    assert caught.value.status_code == 415
    assert caught.value.code == "unknown_container"


def test_a_file_that_only_begins_like_audio_is_told_from_silence(whisper: OpenAI, recordings: dict[str, Path]) -> None:
    broken = recordings["webm"].read_bytes()[:200] + b"\x00" * 5_000
    with pytest.raises(openai.BadRequestError, match="No audio could be read") as caught:
        whisper.audio.transcriptions.create(model="whisper-1", file=("talk.webm", broken))
    assert caught.value.param == "file"


def test_what_is_not_supported_is_named(whisper: OpenAI, recordings: dict[str, Path]) -> None:
    with pytest.raises(openai.BadRequestError, match="stream must be false"):
        whisper.audio.transcriptions.create(model="whisper-1", file=recordings["webm"], stream=True)
    with pytest.raises(openai.BadRequestError, match="nobody is recognised by the voice"):
        whisper.audio.transcriptions.create(model="whisper-1", file=recordings["webm"], known_speaker_names=["Chair"])


def test_a_wrong_key_is_an_authentication_error(server: LocalServer, recordings: dict[str, Path]) -> None:
    unknown = OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0)
    with unknown as client, pytest.raises(openai.AuthenticationError, match="not valid"):
        client.audio.transcriptions.create(model="whisper-1", file=recordings["webm"])


def test_who_gives_up_early_finds_the_transcript_when_asking_again(
    whisper: OpenAI, server: LocalServer, recordings: dict[str, Path]
) -> None:
    audio = ("talk.webm", recordings["webm"].read_bytes())
    again = {"Idempotency-Key": "given-up-and-asked-again"}
    in_haste = OpenAI(
        base_url=f"{server.url}/v1", api_key=server.token, max_retries=0, timeout=openai.Timeout(30, read=0.001)
    )
    with in_haste as hasty, pytest.raises(openai.APITimeoutError):
        hasty.audio.transcriptions.create(model="whisper-1", file=audio, extra_headers=again)
    raw = whisper.audio.transcriptions.with_raw_response.create(model="whisper-1", file=audio, extra_headers=again)
    assert BEGINNING in raw.parse().text.lower().replace(",", "")


def test_a_server_that_is_stopped_says_so_and_keeps_the_recording(recordings: dict[str, Path], tmp_path: Path) -> None:
    nobody = {"WHISPER_SERVICE_URL": "http://127.0.0.1:9", "WHISPER_TIMEOUT_SEC": "1", "WHISPER_BUDGET_SEC": "1"}
    environ = demo_environment() | nobody  # so the wait would be long

    def ask(base_url: str, token: str) -> openai.InternalServerError:
        with OpenAI(base_url=f"{base_url}/v1", api_key=token, max_retries=0) as client:
            with pytest.raises(openai.InternalServerError, match="being stopped") as caught:
                client.audio.transcriptions.create(model="whisper-1", file=recordings["webm"])
            return caught.value

    with ThreadPoolExecutor() as threads:
        with LocalServer(tmp_path, free_port(), environ) as server:
            server.wait_until_ready(READY_S)
            asked = threads.submit(ask, server.url, server.token)
            until(lambda: "/v1/meetings/<path:meeting_id>" in server.log_path.read_text(), "it waits")
        stopped = asked.result(timeout=30)
    assert (stopped.status_code, stopped.code) == (503, "stopping")
    meeting_id = json.loads(stopped.response.content)["meeting_id"]
    with LocalServer(tmp_path, free_port(), environ) as server, Client(server.url, server.token) as client:
        server.wait_until_ready(READY_S)
        status = client.stream_status(meeting_id)
    assert (status.ended, status.missing) == (True, ())
    assert status.bytes == recordings["webm"].stat().st_size
