"""What the document says, held against the live service: by schemathesis with data that fits and data that does not, and by hand
with data that makes routes succeed. The server is the local runner, a real process; in Whisper's place stands a script.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import requests
import schemathesis

from common.events import to_message
from tests.common.example_events import WITHOUT_AUDIO
from tests.e2e.conftest import READY_S, START_MS, demo_environment
from tests.e2e.excerpts import write_excerpt
from tests.transcribe_service.whisper.whisper_server import scripted_whisper
from tests.waiting import until
from turnscribe.local_server import LocalServer, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
SEED = 20_251
EXAMPLES = 12
PUSH_TOKEN = "pushed"
TUS = {"Tus-Resumable": "1.0.0"}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with scripted_whisper() as whisper:
        environ = demo_environment() | {
            "WHISPER_SERVICE_URL": whisper.url,
            "TRANSCRIPTION_WAIT_SEC": "0.5",
            "LIVE_MAX_SEC": "1",
            "PUSH_TOKEN": PUSH_TOKEN,
            "TRACE_EXPORTER": "none",
            "TENANT_REQUESTS_PER_SEC": "0",
            "WEBHOOK_ALLOW_PRIVATE": "true",
        }
        with LocalServer(tmp_path_factory.mktemp("openapi"), free_port(), environ) as running:
            running.wait_until_ready(READY_S)
            yield running


@pytest.fixture(scope="module")
def document(runner: LocalServer) -> Json:
    return requests.get(f"{runner.url}/openapi.json", timeout=10).json()


def test_schemathesis_finds_no_5xx_and_nothing_undeclared(runner: LocalServer, document: Json, tmp_path: Path) -> None:
    """Every operation, examples of every constraint and random data, right and wrong: statuses, media types, bodies and headers."""
    report_path = tmp_path / "report.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{runner.url}/openapi.json", "--header", f"Authorization: Bearer {runner.token}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED)),
        *("--generation-database", "none", "--no-shrink", "--continue-on-failure", "--request-timeout", "20"),
        *("--report", "json", "--report-json-path", str(report_path), "--no-color"),
    ]
    environ = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks",
        "PYTHONPATH": str(HERE.parent.parent),
    }
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    operations = sum(len(methods) for methods in document["paths"].values())
    told = json.loads(report_path.read_text())
    assert (told["operations"]["tested"], told["operations"]["errored"]) == (operations, 0)
    assert told["test_cases"]["generated"] > 20 * operations
    assert "unhandled_error" not in runner.log_path.read_text(), "a defect that answered as something else"


class Checked:
    """Requests whose answers must be what the document says, to the last member. Keeps which successes it saw."""

    def __init__(self, runner: LocalServer, document: Json) -> None:
        self._url = runner.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {runner.token}"
        self._document = document
        self._schema = schemathesis.openapi.from_dict(without_more_members(document))
        self.seen: set[tuple[str, str, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._session.close()

    def __call__(self, status: int, method: str, template: str, **sent: Any) -> requests.Response:
        path = template.format(**sent.pop("path", {}))
        answer = self._session.request(method, self._url + path, timeout=60, **sent)
        assert answer.status_code == status, answer.text
        assert str(status) in self._document["paths"][template][method.lower()]["responses"]
        self._schema[template][method].validate_response(answer)
        self.seen.add((method, template, str(status)))
        return answer


def without_more_members(document: Json) -> Json:
    """The document, but no object may have a member that it does not name: what is answered must be documented."""
    strict: Json = json.loads(json.dumps(document))
    for name, schema in strict["components"]["schemas"].items():
        if schema.get("type") == "object" and schema.get("properties") and not name.endswith(("Details", "Problem")):
            schema["additionalProperties"] = False
    return strict


def successes(document: Json) -> set[tuple[str, str, str]]:
    """Every answer below 400 that the document declares."""
    return {
        (method.upper(), path, status)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
        if int(status) < 400
    }


def dead_letter(runner: LocalServer) -> None:
    """Have a message given up: nobody can read the audio that it tells of."""
    message = to_message(WITHOUT_AUDIO, source="/test", now_ms=START_MS)
    envelope = {
        "message": {
            "data": base64.b64encode(message.data).decode(),
            "attributes": dict(message.attributes),
            "messageId": "dead",
        },
        "subscription": "dead-letters",
    }
    answer = requests.post(
        f"{runner.url}/internal/transcribe/push/dead-letters",
        json=envelope,
        headers={"Authorization": f"Bearer {PUSH_TOKEN}"},
        timeout=60,
    )
    assert answer.status_code == 204, answer.text


def stream_live(call: Checked, audio: bytes) -> None:
    of = {"path": {"connection_id": "live", "seq": 0}, "params": {"meeting_id": "m-live"}}
    chunk, events = "/v1/streams/{connection_id}/chunks/{seq}", "/v1/streams/{connection_id}/"
    masks = {"ts_ms": START_MS + 1000, "masks": [["Ada", "0110001111"]]}
    for status in (201, 200):
        call(status, "PUT", chunk, **of, data=audio, headers={"Content-Type": "audio/wav"})
        call(status, "POST", events + "speakers", **of, json=masks)
    call(200, "POST", events + "end", **of, json={"last_seq": 0})
    call(200, "GET", "/v1/streams/{connection_id}", path={"connection_id": "live"})


def store_recordings(call: Checked, audio: bytes) -> None:
    for status in (201, 200):
        call(status, "POST", "/v1/recordings", data=audio, headers={"Idempotency-Key": "k"})
    uploads = "/v1/uploads"
    call(204, "OPTIONS", uploads)
    call(204, "OPTIONS", uploads + "/{connection_id}", path={"connection_id": "any"})
    begun = call(201, "POST", uploads, headers=TUS | {"Upload-Length": str(len(audio))})
    upload = {"connection_id": begun.headers["Location"].rpartition("/")[2]}
    call(200, "HEAD", uploads + "/{connection_id}", path=upload, headers=TUS)
    interval = {"speaker": "Ada", "start_ms": 0, "end_ms": 900}
    window = {"clock": "stream", "covered_from_ms": 0, "covered_to_ms": 1000, "intervals": [interval]}
    for status in (201, 200):
        call(status, "POST", uploads + "/{connection_id}/speakers", path=upload, json=window)
    part = TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    call(204, "PATCH", uploads + "/{connection_id}", path=upload, headers=part, data=audio)


def transcribe(call: Checked, audio: bytes) -> None:
    def answered() -> bool:
        form = {"model": "any", "response_format": "verbose_json"}
        answer = call._session.post(
            f"{call._url}/v1/audio/transcriptions", data=form, files={"file": ("a.wav", audio)}, timeout=60
        )
        return answer.status_code == 200

    until(answered, "the transcript is complete")  # the wait is short here, so that schemathesis sees its end
    for wanted in ("json", "text", "srt", "vtt", "verbose_json", "diarized_json"):
        form = {"model": "any", "response_format": wanted}
        answer = call(200, "POST", "/v1/audio/transcriptions", data=form, files={"file": ("a.wav", audio)})
        assert b"hi" in answer.content
    meeting = {"meeting_id": answer.headers["Turnscribe-Meeting-Id"]}
    status, transcript = "/v1/meetings/{meeting_id}", "/v1/meetings/{meeting_id}/transcript"
    etag = call(200, "GET", status, path=meeting).headers["ETag"]
    call(304, "GET", status, path=meeting, headers={"If-None-Match": etag})
    for wanted in ("text", "srt", "vtt", "verbose_json", "diarized_json", "json"):
        etag = call(200, "GET", transcript, path=meeting, params={"format": wanted}).headers["ETag"]
    call(304, "GET", transcript, path=meeting, headers={"If-None-Match": etag})
    live = call(200, "GET", "/v1/meetings/{meeting_id}/live", path=meeting)  # ends by itself, soon here
    assert live.text.count("event: meeting") == 1
    said, *_ = call(200, "GET", transcript, path=meeting).json()["utterances"]
    call(200, "GET", transcript, path=meeting, params={"since": said["start_at"], "from_ms": 0, "speaker": ""})
    read(call, meeting, said["segment_id"])
    outlive(call, meeting)


def read(call: Checked, meeting: Json, segment_id: str) -> None:
    """Lists, names, searches and sound of a meeting that has a transcript."""
    names = {"title": "An excerpt", "vocabulary": ["turnscribe"], "speaker_names": {"Ada": "Ada Lovelace"}}
    call(200, "PATCH", "/v1/meetings/{meeting_id}", path=meeting, json=names)
    etag = call(200, "GET", "/v1/meetings").headers["ETag"]
    call(304, "GET", "/v1/meetings", headers={"If-None-Match": etag})
    found = call(200, "GET", "/v1/search", params={"q": "hi"})
    assert {"An excerpt"} <= {hit["title"] for hit in found.json()["hits"]}
    call(304, "GET", "/v1/search", params={"q": "hi"}, headers={"If-None-Match": found.headers["ETag"]})
    audio, of = "/v1/meetings/{meeting_id}/segments/{segment_id}/audio", meeting | {"segment_id": segment_id}
    etag = call(200, "GET", audio, path=of).headers["ETag"]
    call(206, "GET", audio, path=of, headers={"Range": "bytes=0-99"})
    call(304, "GET", audio, path=of, headers={"If-None-Match": etag})


def outlive(call: Checked, meeting: Json) -> None:
    """Transcribe a meeting once more, rebuild it, and delete it."""
    one = "/v1/meetings/{meeting_id}"
    takes, replay, deletion = one + "/retranscriptions", one + "/replay", "/v1/deletions/{deletion_id}"
    take = meeting | {"take": call(202, "POST", takes, path=meeting, json={"language": "en"}).json()["take"]}
    until(lambda: call(200, "GET", takes + "/{take}", path=take).json()["state"] == "complete", "it is transcribed")
    call(200, "GET", takes, path=meeting)
    call(202, "POST", replay, path=meeting)
    until(lambda: call(200, "GET", replay, path=meeting).json()["state"] == "complete", "it is rebuilt")
    call(200, "GET", "/v1/retention")
    call(200, "PUT", "/v1/retention", json={"audio_days": None, "transcript_days": None})
    gone = {"deletion_id": call(202, "DELETE", one, path=meeting).json()["deletion_id"]}
    until(lambda: call(200, "GET", deletion, path=gone).json()["complete"], "nothing is left")


def manage(call: Checked, runner: LocalServer) -> None:
    made = call(201, "POST", "/v1/tokens", json={"scopes": ["ingest"], "label": "a recorder"}).json()
    for method, path in (("GET", ""), ("POST", "/{token_id}/disable"), ("POST", "/{token_id}/enable")):
        call(200, method, f"/v1/tokens{path}", path={"token_id": made["id"]})
    dead_letter(runner)
    letters = "/v1/deadletters"
    (letter,) = call(200, "GET", letters).json()["dead_letters"]
    call(200, "GET", letters + "/{letter_id}", path={"letter_id": letter["id"]})
    call(200, "POST", letters + "/{letter_id}/replay", path={"letter_id": letter["id"]})
    call(200, "POST", letters + "/replay")
    for path in ("/health", "/health/ready", "/health/version"):
        call(200, "GET", path)
    etag = call(200, "GET", "/v1/recorder.js").headers["ETag"]
    call(304, "GET", "/v1/recorder.js", headers={"If-None-Match": etag})


def keep_webhooks(call: Checked) -> None:
    hooks, hook = "/v1/webhooks", "/v1/webhooks/{webhook_id}"
    made = call(201, "POST", hooks, json={"url": f"http://127.0.0.1:{free_port()}/", "provisional": True}).json()
    of = {"path": {"webhook_id": made["id"]}}
    call(200, "GET", hooks)
    call(200, "GET", hook, **of)
    call(200, "PATCH", hook, **of, json={"enabled": False, "events": ["meeting.completed"]})
    call(200, "POST", hook + "/secret", **of)
    assert call(200, "POST", hook + "/test", **of).json() == {"delivered": False, "reason": "no_connection"}
    call(204, "DELETE", hook, **of)


def record_as_ever(call: Checked, audio: bytes) -> None:
    """The earlier system's clients."""
    extension, users = "/api/v1/extension/", "/api/v1/users/"
    of = {"params": {"connection_id": "ext", "meeting_id": "m-ext", "ts": START_MS // 1000, "i": 0, "l": 1}}
    call(200, "PUT", extension + "audio", **of, data=audio)
    call(201, "PUT", extension + "speakers", **of, json=[["Ada", "0110001111"]])
    call(200, "GET", extension + "check-token")
    call(200, "POST", users + "add-token", json={"token": "t" * 16, "user_id": "ada", "enable_status": True})
    call(200, "POST", users + "set-status", json=[{"user_id": "ada", "enable_status": False}])
    call(200, "POST", "/api/audio/stream", data=audio)


def test_every_declared_success_is_seen_and_is_as_declared(runner: LocalServer, document: Json, tmp_path: Path) -> None:
    write_excerpt(tmp_path / "excerpt.wav", "wav")
    audio = (tmp_path / "excerpt.wav").read_bytes()
    with Checked(runner, document) as call:
        stream_live(call, audio)
        store_recordings(call, audio)
        transcribe(call, audio)
        manage(call, runner)
        keep_webhooks(call)
        record_as_ever(call, audio)
    over_a_socket = {("GET", "/v1/stream", "101")}  # shown by the WebSocket's own tests
    assert call.seen == successes(document) - over_a_socket
