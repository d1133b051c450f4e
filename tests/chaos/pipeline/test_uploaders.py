"""An uploader repeats what was not answered with success, notes as accepted what was, and says so when it gives up."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.chaos.pipeline.accepted import AcceptedStream
from tests.chaos.pipeline.installation import Installation
from tests.chaos.pipeline.recordings import Piece, Recording
from tests.chaos.pipeline.streams import PlannedStream
from tests.chaos.pipeline.uploaders import start
from tests.quiet_server import QuietServer
from turnscribe.demo.speakers import Turn

PIECES = tuple(Piece(bytes([65 + seq]) * 5, 1_000 * (seq + 1)) for seq in range(3))
TALK = Recording("talk", "audio/webm", PIECES, 3_000, (Turn("Ann", 0.5, 2.5),))


class Ingest:
    """Answers what it is told to, in turn, and 200 from then on; None breaks the connection once it has the request."""

    def __init__(self, *answers: int | None) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[str, bytes]] = []

    @contextmanager
    def serving(self) -> Iterator[Installation]:
        ingest = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                ingest.requests.append((f"{self.command} {self.path.partition('?')[0]}", body))
                status = ingest._answers.pop(0) if ingest._answers else 200
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_PUT = do_POST = _handle  # noqa: N815 -- as the base class wants them

            def log_message(self, *_: object) -> None:
                return

        with QuietServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            url = f"http://127.0.0.1:{server.server_address[1]}"
            yield cast("Installation", SimpleNamespace(ingest_url=url, api_token="t", data_dir=None))
            server.shutdown()
            thread.join()

    def bodies(self, path: str) -> list[bytes]:
        return [body for name, body in self.requests if name.endswith(path)]


def uploaded(ingest: Ingest, patience_s: float = 20.0, **stream: Any) -> AcceptedStream:
    planned = PlannedStream(TALK, **{"way": "chunks", "speakers": "masks", **stream})
    with ingest.serving() as installation:
        (accepted,) = start(installation, [planned], "run", 0.0, patience_s).finish(30.0).streams
    return accepted


def test_what_fails_is_repeated_with_the_same_bytes_until_it_is_answered_with_success() -> None:
    ingest = Ingest(503, None, 429)
    accepted = uploaded(ingest)
    assert accepted.failure == ""
    assert ingest.bodies("/chunks/0") == [PIECES[0].data] * 4
    assert accepted.chunks == {seq: piece.data for seq, piece in enumerate(PIECES)}
    assert accepted.ended
    assert accepted.observations == len(TALK.windows)
    assert len(ingest.bodies("/speakers")) == len(TALK.windows)
    assert ingest.bodies("/end") == [b'{"last_seq": 2, "observations": %d}' % len(TALK.windows)]


def test_who_is_refused_for_good_says_so_and_has_only_what_was_accepted_before() -> None:
    accepted = uploaded(Ingest(200, 200, 409))
    assert "409" in accepted.failure
    assert accepted.chunks == {0: PIECES[0].data}
    assert not accepted.ended


def test_who_is_never_answered_gives_up_when_the_bound_has_passed() -> None:
    accepted = uploaded(Ingest(*[503] * 1_000), patience_s=0.5)
    assert "503" in accepted.failure
    assert accepted.chunks == {}


def test_a_chunk_that_is_lost_is_never_sent() -> None:
    lossy = Recording("talk", "audio/webm", PIECES, 3_000, (), lost=frozenset({1}))
    ingest = Ingest()
    with ingest.serving() as installation:
        (accepted,) = start(installation, [PlannedStream(lossy, "extension")], "run", 0.0).finish(30.0).streams
    assert sorted(accepted.chunks) == [0, 2]
    assert [body for _, body in ingest.requests] == [PIECES[0].data, PIECES[2].data]


def test_the_second_connection_of_a_meeting_begins_once_the_first_has_a_chunk() -> None:
    ingest = Ingest(503, 503)
    other = Recording("other", "audio/webm", PIECES, 3_000, ())
    planned = [PlannedStream(other, "extension", with_name="talk"), PlannedStream(TALK, "chunks")]
    with ingest.serving() as installation:
        running = start(installation, planned, "run", 0.2)
        assert not running.are_opened
        second, first = running.finish(30.0).streams
    assert running.are_opened
    assert [name for name, _ in ingest.requests[:3]] == ["PUT /v1/streams/run-talk/chunks/0"] * 3
    assert second.meeting_id == first.meeting_id
    assert second.ended
    assert first.ended


@pytest.mark.parametrize("way", ["recording", "session"])
def test_other_ways_repeat_too(way: str) -> None:
    ingest = Ingest(503, None)
    accepted = uploaded(ingest, way=way, speakers="nobody")
    assert accepted.failure == ""
    assert accepted.data == TALK.data


def test_a_file_that_is_put_into_the_folder_is_whole_under_its_name_from_the_first_moment(tmp_path: Path) -> None:
    folder = tmp_path / "dropbox"
    (folder / ".taken").mkdir(parents=True)
    installation = cast("Installation", SimpleNamespace(data_dir=tmp_path))
    running = start(installation, [PlannedStream(TALK, "folder")], "run", 0.0, 20.0)
    name = "run-talk.aiff"
    for _ in range(1_000):
        if (folder / name).exists():
            break
        threading.Event().wait(0.01)
    assert (folder / name).read_bytes() == TALK.data
    assert not running.is_over
    (folder / name).replace(folder / ".taken" / name)
    (accepted,) = running.finish(20.0).streams
    assert accepted.failure == ""
    assert accepted.whole == TALK.data
