"""The last look: a short recording goes in at ingest, and its words come back. All services take part in it."""

import uuid
from pathlib import Path
from typing import Final

from cloudbuild.rollout.errors import RolloutError
from cloudbuild.rollout.web import NoAnswer, ask

TIMEOUT_S: Final = 600
"""Ingest itself gives up sooner (TRANSCRIPTION_WAIT_SEC)."""


def transcribe(url: str, token: str, recording: Path) -> str:
    """The transcript's text. Raises `RolloutError` where there is none."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{recording.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    # A key of its own: otherwise the transcript of the rollout before would be found.
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": f"rollout-{boundary}"}
    body = head.encode() + recording.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    try:
        answer = ask(f"{url}/v1/audio/transcriptions", token=token, timeout_s=TIMEOUT_S, body=body, headers=headers)
    except NoAnswer as error:
        raise RolloutError(f"the recording was not transcribed: {error}") from error
    said = answer.json()
    text = said.get("text", "") if isinstance(said, dict) else ""
    if answer.status != 200 or not text.strip():
        raise RolloutError(
            f"the recording was not transcribed: ingest answers {answer.status}: {answer.body[:500].decode(errors='replace')}"
        )
    return str(text)
