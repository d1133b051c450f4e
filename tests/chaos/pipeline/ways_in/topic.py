"""An upstream system that publishes. What the queue has taken may be lost with an emulator, so it looks whether it arrived, as one may."""

import json
import time
from collections.abc import Callable

from common.errors import Retryable
from tests.chaos.pipeline.streams import START_MS
from tests.chaos.pipeline.ways_in.upload import PAUSE_S, GivenUp, Requests, Upload, requests

TOPIC = "audio-uploads"
AGAIN_S = 6.0
"""What has not arrived after so long is published again."""
Message = tuple[bytes, dict[str, str]]


def over_topic_chunks(upload: Upload) -> None:
    """Chunks, speakers and end as messages of their own."""
    accepted, recording = upload.accepted, upload.planned.recording
    of = {"meeting_id": accepted.meeting_id, "connection_id": accepted.connection_id}
    audio = of | {"content_type": recording.content_type, "started_at": str(START_MS)}
    messages: list[Message] = []
    for seq, piece in upload.pieces():
        message = (piece.data, audio | {"seq": str(seq), "captured_at": str(START_MS + piece.end_ms)})
        _publish(upload, message)
        messages.append(message)
    said = upload.observations()
    rest = [(body, of | {"kind": "speakers"}) for _, body in said]
    end = {"last_seq": len(recording.pieces) - 1, "observations": len(said)}
    rest.append((json.dumps(end).encode(), of | {"kind": "end"}))
    for message in rest:
        _publish(upload, message)
    _until_arrived(upload, [*messages, *rest])
    accepted.observations = len(said)
    for seq, piece in enumerate(recording.pieces):
        upload.accept_chunk(seq, piece.data)
    accepted.ended = True


def over_topic_file(upload: Upload) -> None:
    """A whole recording in one message."""
    accepted, recording = upload.accepted, upload.planned.recording
    attributes = {
        "kind": "recording",
        "meeting_id": accepted.meeting_id,
        "connection_id": accepted.connection_id,
        "started_at": str(START_MS),
    }
    message = (recording.data, attributes)
    _publish(upload, message)
    _until_arrived(upload, [message])
    accepted.whole, accepted.ended = recording.data, True


def _until_arrived(upload: Upload, messages: list[Message]) -> None:
    """Look until the stream has ended with nothing missing; now and then everything is published again."""
    published_s = time.monotonic()
    path = f"/v1/streams/{upload.accepted.connection_id}"
    with requests(upload) as send:
        while not _has_ended(send, path):
            if time.monotonic() >= upload.deadline_s:
                raise GivenUp("what was published has not arrived")
            if time.monotonic() - published_s >= AGAIN_S:
                for message in messages:
                    _publish(upload, message)
                published_s = time.monotonic()
            time.sleep(PAUSE_S)


def _has_ended(send: Requests, path: str) -> bool:
    status = send.once("GET", path)
    return bool(status and status["ended"] and not status["missing"] and status["next_seq"] == status["last_seq"] + 1)


def _publish(upload: Upload, message: Message) -> None:
    publish: Callable[..., None] = upload.installation.publish
    while True:
        try:
            publish(TOPIC, *message)
        except Retryable as error:
            if time.monotonic() >= upload.deadline_s:
                raise GivenUp(f"the queue takes nothing: {error}") from error
            time.sleep(PAUSE_S)
        else:
            return
