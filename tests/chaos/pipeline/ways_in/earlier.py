"""The earlier system's clients: the browser extension, and sessions."""

import json

from tests.chaos.pipeline.streams import START_MS
from tests.chaos.pipeline.ways_in.upload import Upload, requests


def over_extension(upload: Upload) -> None:
    """`/api/v1/extension`: who spoke comes before the chunk that it goes with, so that all of it is there before the last one."""
    accepted, recording = upload.accepted, upload.planned.recording
    of = {"meeting_id": accepted.meeting_id, "connection_id": accepted.connection_id, "source": "google_meet"}
    left = upload.observations()
    last = len(recording.pieces) - 1
    with requests(upload) as send:
        for seq, piece in upload.pieces():
            while left and (seq == last or left[0][0] <= piece.end_ms):
                at_ms, body = left.pop(0)
                query = of | {"ts": _seconds(at_ms)}
                masks = json.dumps(json.loads(body)["masks"]).encode()
                send.insist("PUT", "/api/v1/extension/speakers", query=query, body=masks)
                accepted.observations += 1
            query = of | {"i": str(seq), "ts": _seconds(piece.end_ms)} | ({"l": "1"} if seq == last else {})
            headers = {"Content-Type": recording.content_type}
            send.insist("PUT", "/api/v1/extension/audio", query=query, body=piece.data, headers=headers)
            upload.accept_chunk(seq, piece.data)
    accepted.ended = True


def over_session(upload: Upload) -> None:
    """`POST /api/audio/stream` with X-Session-ID. Such a client says no end; here somebody says it who knows, as ways may be mixed."""
    accepted, recording = upload.accepted, upload.planned.recording
    with requests(upload) as send:
        for seq, piece in upload.pieces():
            headers = {"Content-Type": recording.content_type, "X-Session-ID": accepted.connection_id}
            send.insist("POST", "/api/audio/stream", body=piece.data, headers=headers)
            upload.accept_chunk(seq, piece.data)
        said = {"last_seq": len(recording.pieces) - 1, "observations": 0}
        path, query = f"/v1/streams/{accepted.connection_id}/end", {"meeting_id": accepted.meeting_id}
        send.insist(
            "POST", path, query=query, body=json.dumps(said).encode(), headers={"Content-Type": "application/json"}
        )
    accepted.ended = True


def _seconds(at_ms: int) -> str:
    """Seconds since the epoch, to the millisecond."""
    epoch_ms = START_MS + at_ms
    return f"{epoch_ms // 1000}.{epoch_ms % 1000:03d}"
