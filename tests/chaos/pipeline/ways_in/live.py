"""Live audio: `/v1/streams` as a page of one's own uses it, the SDK over HTTP, and the SDK over a WebSocket."""

import json
from collections.abc import Callable

from tests.chaos.pipeline.streams import START_MS
from tests.chaos.pipeline.ways_in.upload import Upload, requests
from turnscribe.client import Client, Interval
from turnscribe.live import LiveStream
from turnscribe.speaker_activity import SpeakerActivity

JSON = {"Content-Type": "application/json"}


def over_chunks(upload: Upload) -> None:
    """Bare requests, with the time of the recording's begin."""
    accepted, recording = upload.accepted, upload.planned.recording
    path = f"/v1/streams/{accepted.connection_id}"
    meeting = {"meeting_id": accepted.meeting_id}
    with requests(upload) as send:

        def observe(body: bytes) -> None:
            send.insist("POST", f"{path}/speakers", query=meeting, body=body, headers=JSON)

        observer = _Observer(upload, observe)
        for seq, piece in upload.pieces():
            query = meeting | {"captured_at_ms": str(START_MS + piece.end_ms), "started_at_ms": str(START_MS)}
            headers = {"Content-Type": recording.content_type}
            send.insist("PUT", f"{path}/chunks/{seq}", query=query, body=piece.data, headers=headers)
            upload.accept_chunk(seq, piece.data)
            observer.until(piece.end_ms)
        observer.all()
        said = {"last_seq": len(recording.pieces) - 1, "observations": accepted.observations}
        send.insist("POST", f"{path}/end", query=meeting, body=json.dumps(said).encode(), headers=JSON)
    accepted.ended = True


def over_sdk(upload: Upload) -> None:
    """`turnscribe.client.Client`."""
    accepted, planned = upload.accepted, upload.planned
    installation = upload.installation
    with Client(installation.ingest_url, installation.api_token, retry=upload.retry, timeout_s=10.0) as client:
        stream = client.stream(
            accepted.meeting_id,
            accepted.connection_id,
            content_type=planned.recording.content_type,
            channels=planned.channels,
            channel_speakers=("Ann", "Bo") if planned.channels == "separate" else (),
        )
        observer = _Observer(upload, _observing(stream))
        for seq, piece in upload.pieces():
            stream.put_chunk(seq, piece.data, captured_at_ms=START_MS + piece.end_ms)
            upload.accept_chunk(seq, piece.data)
            observer.until(piece.end_ms)
        observer.all()
        stream.end(len(planned.recording.pieces) - 1, observations=accepted.observations)
    accepted.ended = True


def over_websocket(upload: Upload) -> None:
    """`turnscribe.live.LiveStream`; a chunk counts as accepted once the end is, which names all of them."""
    accepted, planned = upload.accepted, upload.planned
    installation = upload.installation
    sent = {}
    with LiveStream(
        installation.ingest_url,
        installation.api_token,
        accepted.meeting_id,
        accepted.connection_id,
        content_type=planned.recording.content_type,
        started_at_ms=START_MS,
        retry=upload.retry,
    ) as live:
        observer = _Observer(upload, _observing(live))
        for seq, piece in upload.pieces():
            live.send(piece.data, captured_at_ms=START_MS + piece.end_ms)
            sent[seq] = piece.data
            observer.until(piece.end_ms)
        observer.all()
        live.end()
    for seq, data in sent.items():
        upload.accept_chunk(seq, data)
    accepted.ended = True


class _Observer:
    """Sends what is known of the speakers, in order, and counts what was accepted."""

    def __init__(self, upload: Upload, observe: Callable[[bytes], None]) -> None:
        self._upload = upload
        self._observe = observe
        self._left = upload.observations()

    def until(self, at_ms: int) -> None:
        """What is known by then."""
        while self._left and self._left[0][0] <= at_ms:
            self._observe(self._left.pop(0)[1])
            self._upload.accepted.observations += 1

    def all(self) -> None:
        """What is left."""
        while self._left:
            self.until(self._left[0][0])


def _observing(to: SpeakerActivity) -> Callable[[bytes], None]:
    """The SDK's own calls for the JSON of an observation."""

    def observe(body: bytes) -> None:
        said = json.loads(body)
        if "masks" in said:
            to.observe_masks(said["ts_ms"], [(name, mask) for name, mask in said["masks"]])
            return
        intervals = [Interval(each["speaker"], each["start_ms"], each["end_ms"]) for each in said["intervals"]]
        to.observe_intervals(intervals, covered_from_ms=said["covered_from_ms"], covered_to_ms=said["covered_to_ms"])

    return observe
