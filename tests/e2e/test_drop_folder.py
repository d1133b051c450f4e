"""A file that is put into the folder of `turnscribe serve` becomes a meeting with a transcript; what is none is put aside."""

import json

import pytest

from common.adapters.embedded.folder_objects import generation_of
from ingest_service.pubsub.whole_objects import digest_of, meeting_named_after
from tests.e2e.conftest import completed
from tests.e2e.playing import conversation
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.local_server import LocalServer

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow]


def test_a_file_in_the_folder_becomes_a_meeting(server: LocalServer, client: Client) -> None:
    folder = server.token_path.parent / "dropbox"
    recording, _ = conversation()
    path, notes = folder / "Team talk.webm", folder / "notes.txt"
    notes.write_bytes(b"These are the minutes of a meeting, in words.")
    path.write_bytes(b"".join(recording.bytes_of(piece) for piece in recording.pieces[:4]))
    digest = digest_of("dropped", "dropbox/Team talk.webm", generation_of(path.stat()))
    transcript = completed(client, meeting_named_after(path.name, digest))
    assert transcript["utterances"]
    until(lambda: {each.name for each in folder.iterdir()} == {".taken", ".refused"}, "both are moved away")
    assert (folder / ".taken" / path.name).read_bytes().startswith(b"\x1aE\xdf\xa3")
    assert json.loads((folder / ".refused" / "notes.txt.reason").read_bytes())["reason"] == "unknown_container"
