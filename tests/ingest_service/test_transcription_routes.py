"""The route over fakes: what is stored, what is asked of whom, and what the caller is told. Real transcripts: `tests/e2e`."""

import io
import json
import socket
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.auth import Principal
from common.events import StreamEnded
from common.ports.token_store import Scope
from common.settings import Secret
from ingest_service.app import IngestDeps, create_app
from ingest_service.settings import IngestSettings
from ingest_service.transcript_reader import MeetingStatus, StreamAccount
from tests.ingest_service.fakes import AUTHORIZED, TOKEN, Ingest
from tests.ingest_service.transcripts import DONE, KeptTranscripts

WEBM = bytes.fromhex("1a45dfa3") + b"\x01" * 3_000_000
PATH = "/v1/audio/transcriptions"


@pytest.fixture
def transcripts() -> KeptTranscripts:
    return KeptTranscripts([None, DONE])


@pytest.fixture
def ingest(transcripts: KeptTranscripts) -> Ingest:
    return Ingest(transcripts=transcripts)


def post(client: FlaskClient, data: bytes = WEBM, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
    file = (io.BytesIO(data), "talk.webm", "audio/webm")
    headers = AUTHORIZED | (headers or {})
    with client.post(PATH, data={"model": "whisper-1", "file": file} | fields, headers=headers) as answer:
        if (sent := answer.request.environ["wsgi.input"]) is not None:
            sent.close()
        answer.get_data()
        return answer


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Status and kind of an answer that must be problem details, and say the same to OpenAI's clients."""
    assert answer.content_type == "application/problem+json"
    body = json.loads(answer.data)
    kind = body["type"].removeprefix("urn:turnscribe:problem:")
    assert body["error"]["message"] == body["detail"]
    assert body["error"]["code"] == kind.replace("-", "_")
    return answer.status_code, kind


def test_a_file_is_a_recording_of_its_own_and_its_transcript_the_answer(
    ingest: Ingest, transcripts: KeptTranscripts
) -> None:
    answer = post(ingest.client, language="en")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert json.loads(answer.data) == {"text": "Good morning.", "usage": {"type": "duration", "seconds": 2.5}}
    meeting = answer.headers["Turnscribe-Meeting-Id"]
    assert transcripts.asked == [(TOKEN, meeting), (TOKEN, meeting), (TOKEN, f"{meeting} as verbose_json")]
    chunks = [held for name, held in sorted(ingest.blobs.objects.items()) if "/chunks/" in name]
    assert b"".join(held.data for held in chunks) == WEBM
    (ended,) = ingest.events
    assert isinstance(ended, StreamEnded)
    assert (ended.meeting_id, ended.last_seq) == (meeting, 2)


@pytest.mark.parametrize(
    ("wanted", "content_type", "body"),
    [
        ("text", "text/plain; charset=utf-8", b"Good morning.\n"),
        ("srt", "application/x-subrip", b"1\n00:00:00,000 -->"),
        ("vtt", "text/vtt", b"WEBVTT"),
        ("diarized_json", "application/json", b'{"task"'),
        ("verbose_json", "application/json", b'{"task"'),
    ],
)
def test_every_format(ingest: Ingest, wanted: str, content_type: str, body: bytes) -> None:
    answer = post(ingest.client, response_format=wanted)
    assert answer.headers["Content-Type"] == content_type
    assert answer.data.startswith(body)


def test_the_same_file_again_is_the_same_recording(ingest: Ingest, transcripts: KeptTranscripts) -> None:
    first = post(ingest.client)
    transcripts.statuses.append(DONE)
    again = post(ingest.client, response_format="text", model="another")
    assert again.headers["Turnscribe-Meeting-Id"] == first.headers["Turnscribe-Meeting-Id"]
    transcripts.statuses.append(DONE)
    other = post(ingest.client, language="fr")
    assert other.headers["Turnscribe-Meeting-Id"] != first.headers["Turnscribe-Meeting-Id"]


def test_a_key_names_the_recording(ingest: Ingest, transcripts: KeptTranscripts) -> None:
    first = post(ingest.client, headers={"Idempotency-Key": "k"})
    transcripts.statuses.append(DONE)
    again = post(ingest.client, headers={"Idempotency-Key": "k"})
    assert again.headers["Turnscribe-Meeting-Id"] == first.headers["Turnscribe-Meeting-Id"]
    assert refusal(post(ingest.client, WEBM + b"\x02", {"Idempotency-Key": "k"})) == (422, "idempotency-key-reused")
    assert refusal(post(ingest.client, WEBM, {"Idempotency-Key": "k" * 256})) == (400, "invalid-parameter")


def test_what_no_container_begins_is_refused_and_nothing_stored(ingest: Ingest) -> None:
    answer = post(ingest.client, b"%PDF-1.7 and more")
    assert refusal(answer) == (415, "unknown-container")
    assert ingest.blobs.objects == {}


@pytest.mark.parametrize("accounts", [(), (StreamAccount(audio_ms=0, quarantined=3),)])
def test_a_file_without_audio_is_not_told_that_nothing_was_said(accounts: tuple[StreamAccount, ...]) -> None:
    ingest = Ingest(transcripts=KeptTranscripts([MeetingStatus(complete=True, streams=accounts)]))
    answer = post(ingest.client)
    assert refusal(answer) == (400, "no-audio")
    assert json.loads(answer.data)["error"]["param"] == "file"


def test_a_field_that_is_wrong_is_the_error_s_param(ingest: Ingest) -> None:
    answer = post(ingest.client, temperature="2")
    assert refusal(answer) == (400, "invalid-parameter")
    error = json.loads(answer.data)["error"]
    assert (error["param"], error["type"]) == ("temperature", "invalid_request_error")
    assert ingest.blobs.objects == {}


def test_a_file_above_the_limit_is_refused() -> None:
    settings = IngestSettings(api_token=Secret(TOKEN), max_recording_bytes=1024**2)
    ingest = Ingest(settings, KeptTranscripts([DONE]))
    assert refusal(post(ingest.client)) == (413, "body-too-large")
    assert ingest.blobs.objects == {}


def test_without_the_other_service_s_address_the_setting_is_named() -> None:
    answer = post(Ingest().client)
    assert refusal(answer) == (501, "no-transcripts")
    assert "TRANSCRIPT_API_URL" in answer.text


def test_the_wait_ends() -> None:
    settings = IngestSettings(api_token=Secret(TOKEN), transcription_wait_sec=0.01)
    ingest = Ingest(settings, KeptTranscripts([]))
    ingest.clock.monotonic_s = iter(range(10)).__next__  # type: ignore[assignment,method-assign]  # a second at each look
    answer = post(ingest.client)
    assert refusal(answer) == (504, "transcript-not-ready")
    assert json.loads(answer.data)["error"]["type"] == "server_error"
    assert len(ingest.events) == 1, "the recording goes its way"


def test_a_process_that_is_stopped_says_so() -> None:
    ingest = Ingest(transcripts=KeptTranscripts([]))
    ingest.drain.start()
    assert refusal(post(ingest.client)) == (503, "stopping")


def test_who_finds_no_place_is_told_when_to_come_back() -> None:
    class Full(KeptTranscripts):
        def status(self, token: str, meeting_id: str) -> MeetingStatus | None:
            if not self.asked:
                super().status(token, meeting_id)
                inner = post(ingest.client)
                assert refusal(inner) == (429, "too-many-requests")
                assert int(inner.headers["Retry-After"]) > 0
                assert json.loads(inner.data)["error"]["type"] == "rate_limit_error"
            return DONE

    ingest = Ingest(transcripts=Full([]))
    ingest.client = client_of(ingest, threads=2)
    assert post(ingest.client).status_code == 200
    assert post(ingest.client).status_code == 200


def test_the_place_of_a_caller_who_has_gone_is_free_again() -> None:
    ingest = Ingest(transcripts=KeptTranscripts([]))
    client = client_of(ingest, threads=2)
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        client.environ_base["gunicorn.socket"] = ours  # type: ignore[index]  # the base declares no changes
        assert post(client).status_code == 408
        assert post(client).status_code == 408


class Tokens:
    def __init__(self, *scopes: Scope) -> None:
        self.scopes = frozenset(scopes)

    def verify(self, token: str) -> Principal | None:
        return Principal("t1", self.scopes, user_id="u1") if token == TOKEN else None


def client_of(ingest: Ingest, tokens: Tokens | None = None, threads: int = 8) -> FlaskClient:
    deps = IngestDeps(
        ingest.settings,
        ingest.blobs,
        ingest.publisher,
        tokens or Tokens(*Scope),
        ingest.token_store,
        ingest.clock,
        ingest.drain,
        threads=threads,
        transcripts=ingest.transcripts,
    )
    return create_app(deps).test_client()


@pytest.mark.parametrize("scope", [Scope.INGEST, Scope.READ])
def test_a_token_must_be_allowed_to_send_and_to_read(ingest: Ingest, scope: Scope) -> None:
    (missing,) = {Scope.INGEST, Scope.READ} - {scope}
    answer = post(client_of(ingest, Tokens(scope)))
    assert refusal(answer) == (403, "forbidden")
    assert missing.value in json.loads(answer.data)["detail"]
    assert post(client_of(ingest, Tokens(Scope.INGEST, Scope.READ))).status_code == 200


def test_without_a_valid_token_nothing_is_read(ingest: Ingest) -> None:
    assert refusal(post(ingest.client, headers={"Authorization": "Bearer wrong"})) == (401, "unauthorized")


def test_the_token_s_user_is_kept(ingest: Ingest) -> None:
    assert post(client_of(ingest, Tokens(*Scope))).status_code == 200
    (described,) = (held.data for name, held in ingest.blobs.objects.items() if name.endswith("stream.json"))
    assert json.loads(described)["options"]["user_id"] == "u1"
