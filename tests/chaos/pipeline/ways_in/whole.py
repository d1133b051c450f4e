"""Whole recordings: in one request, as a resumable upload, and as a file in the local runner's folder."""

import io
import os
import time

from common.adapters.embedded.folder_objects import generation_of
from ingest_service.pubsub.whole_objects import digest_of, meeting_named_after
from tests.chaos.pipeline.streams import START_MS
from tests.chaos.pipeline.ways_in.upload import PAUSE_S, GivenUp, Upload, requests
from turnscribe.client import Client, Interval
from turnscribe.upload_identity import UploadOptions

PART_BYTES = 16 * 1024


def over_recording(upload: Upload) -> None:
    """`POST /v1/recordings`."""
    accepted, recording = upload.accepted, upload.planned.recording
    query = {
        "meeting_id": accepted.meeting_id,
        "connection_id": accepted.connection_id,
        "started_at_ms": str(START_MS),
    }
    headers = {"Content-Type": recording.content_type}
    with requests(upload) as send:  # 409: the request that broke off is still at it
        send.insist(
            "POST", "/v1/recordings", query=query, body=recording.data, headers=headers, not_yet=frozenset({409})
        )
    accepted.whole, accepted.ended = recording.data, True


def over_tus(upload: Upload) -> None:
    """`Client.upload`, in many small parts."""
    accepted, recording = upload.accepted, upload.planned.recording
    speakers = [Interval(turn.speaker, round(turn.start * 1000), round(turn.end * 1000)) for turn in recording.turns]
    installation = upload.installation
    with Client(installation.ingest_url, installation.api_token, retry=upload.retry, timeout_s=10.0) as client:
        uploaded = client.upload(
            io.BytesIO(recording.data),
            meeting_id=accepted.meeting_id,
            options=UploadOptions(started_at_ms=START_MS),
            speakers=speakers,
            part_bytes=PART_BYTES,
        )
    accepted.connection_id = uploaded.connection_id
    accepted.observations = 1
    accepted.whole, accepted.ended = recording.data, True


def over_folder(upload: Upload) -> None:
    """A file that somebody puts into the drop box; it is accepted once it has been moved away."""
    accepted, data = upload.accepted, upload.planned.recording.data
    data_dir = upload.installation.data_dir
    if data_dir is None:
        raise GivenUp("there is no drop box")
    folder = data_dir / "dropbox"
    name = f"{accepted.connection_id}.aiff"
    unfinished = folder / f".{name}"
    while True:
        try:
            unfinished.write_bytes(data)
            break
        except OSError as error:  # the disk is full
            if not upload.left_s > PAUSE_S:
                raise GivenUp(f"{name} can't be written: {error.strerror}") from error
            time.sleep(PAUSE_S)
    identity = digest_of("dropped", f"dropbox/{name}", generation_of(unfinished.stat()))
    accepted.meeting_id, accepted.connection_id = meeting_named_after(name, identity), f"dropped-{identity[:32]}"
    os.replace(unfinished, folder / name)  # noqa: PTH105 -- of a name in the same folder
    while not (folder / ".taken" / name).exists():
        if upload.left_s <= PAUSE_S:
            raise GivenUp(f"{name} is not taken from the folder")
        time.sleep(PAUSE_S)
    accepted.whole, accepted.ended = data, True
