"""`turnscribe upload` against a faithful tus server: what it prints, how it ends, and that it goes on after any end."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.turnscribe.conftest import Scripted
from tests.turnscribe.tus_server import Fault, TusServer, tus_server
from tests.waiting import until
from turnscribe.cli import main

WEBM = b"\x1aE\xdf\xa3"
LARGE = WEBM + bytes(range(251)) * 8_000
"""2 MB."""


@pytest.fixture
def server() -> Iterator[TusServer]:
    with tus_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCRIBE_TOKEN", "t")


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"talk {n}.webm" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_bytes(WEBM + bytes([n]) * 3_000)
    return paths


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(["upload", *map(str, arguments)])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def uploads_by_name(server: TusServer) -> dict[str, bytes]:
    return {upload.metadata["filename"]: bytes(upload.data) for upload in server.uploads.values()}


def test_several_files_become_a_meeting_each(
    server: TusServer, talks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--url", server.url, *talks) == 0
    assert uploads_by_name(server) == {path.name: path.read_bytes() for path in talks}
    meetings = {upload.metadata["meeting_id"] for upload in server.uploads.values()}
    assert {meeting.rpartition("-")[0] for meeting in meetings} == {"talk-0", "talk-1", "talk-2"}
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = sorted(shown.err.splitlines())
    assert [line.partition(";")[0] for line in lines] == [f"{path}: 3.0 kB uploaded" for path in talks]


def test_one_meeting_for_all_and_what_is_said_about_them(server: TusServer, talks: list[Path]) -> None:
    options = ["--meeting", "m", "--language", "de", "--source", "zoom", "--started-at", "2025-07-01T09:00:00+02:00"]
    options += ["--channels", "separate", "--channel-speakers", "Ann,Bo"]
    options += ["--connections", "per_participant", "--participant", "Ann"]
    assert run("--url", server.url, *options, *talks, talks[0]) == 0
    assert len(server.uploads) == 3
    for upload in server.uploads.values():
        said = {name: upload.metadata[name] for name in ("meeting_id", "language", "source", "started_at_ms")}
        assert said == {"meeting_id": "m", "language": "de", "source": "zoom", "started_at_ms": "1751353200000"}
        assert (upload.metadata["channels"], upload.metadata["channel_speakers"]) == ("separate", "Ann,Bo")
        assert (upload.metadata["connections"], upload.metadata["participant"]) == ("per_participant", "Ann")


def test_who_spoke_comes_from_a_file(server: TusServer, talks: list[Path], tmp_path: Path) -> None:
    speakers = tmp_path / "turns.json"
    speakers.write_text(json.dumps({"turns": [{"speaker": "Ann", "start": 0.5, "end": 2}]}))
    assert run("--url", server.url, "--speakers", speakers, talks[0]) == 0
    (observed,) = server.only().observations
    assert json.loads(observed) == {
        "clock": "stream",
        "covered_from_ms": 0,
        "covered_to_ms": 2_000,
        "intervals": [{"speaker": "Ann", "start_ms": 500, "end_ms": 2_000}],
    }


def test_a_file_that_fails_is_named_and_the_others_arrive(
    server: TusServer, talks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    talks[1].write_bytes(b"")
    missing = talks[0].with_name("missing.mp3")
    assert run("--url", server.url, "--json", *talks, missing) == 1
    assert set(uploads_by_name(server)) == {talks[0].name, talks[2].name}
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert [(each["file"], each["status"]) for each in told["files"]] == [
        (str(talks[0]), "uploaded"),
        (str(talks[1]), "failed"),
        (str(talks[2]), "uploaded"),
        (str(missing), "failed"),
    ]
    assert told["files"][1]["error"] == f"{talks[1]}: is empty"
    assert told["files"][0].keys() == {
        "file",
        "status",
        "meeting_id",
        "connection_id",
        "size_bytes",
        "resumed_from_bytes",
    }
    assert f"{missing}: No such file or directory\n" in shown.err


def test_again_it_is_there_already(server: TusServer, talks: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--url", server.url, talks[0]) == 0
    assert run("--url", server.url, talks[0]) == 0
    assert "3.0 kB were there already" in capsys.readouterr().err
    assert server.methods == ["POST", "HEAD", "PATCH", "POST", "HEAD"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--channel-speakers", "A,B"], "needs --channels separate"),
        (["--output", "x"], "need --wait"),
        (["--speakers", "missing.json"], "missing.json: No such file"),
        (["--speakers", "turns.json", "other.webm"], "one FILE"),
        (["--wait", "--format", "srt", "other.webm"], "need --output or --json"),
        (["--limit-rate", "fast"], "'fast' is no rate"),
        (["--started-at", "yesterday"], "is no time such as"),
        (["--parallel", "0"], "--parallel"),
        (["--data-dir", "nowhere"], "no token"),
    ],
)
def test_bad_usage_is_told_before_anything_is_sent(
    server: TusServer, talks: list[Path], options: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--url", server.url, *options, talks[0]) == 2
    assert why in capsys.readouterr().err
    assert server.seen == []


def test_a_server_that_is_away_is_waited_for_as_long_as_said(
    server: TusServer, talks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults = {number: Fault(status=503) for number in range(10_000)}
    assert run("--url", server.url, "--timeout", "0.5", talks[0]) == 1
    err = capsys.readouterr().err
    assert f"{talks[0]}: {server.url} answers 503; next try in 0." in err
    assert "(tried" in err


def transcript(connection_id: str) -> dict[str, object]:
    stream = {"connection_id": connection_id, "state": "closed"}
    return {"meeting_id": "m", "complete": True, "streams": [stream], "utterances": []}


class Served:
    """Uploads at one server, transcripts (the third answers) at another."""

    def __init__(self, server: TusServer, scripted: Scripted) -> None:
        self.options = ["--url", server.url, "--read-url", scripted.url, "--wait"]
        self._scripted = scripted

    def transcribed(self, connection_id: str, text: bytes) -> None:
        self._scripted.answer(404, {})
        self._scripted.answer(200, transcript(connection_id))
        self._scripted.answers.append((200, {}, text))


@pytest.fixture
def connection(server: TusServer, talks: list[Path], capsys: pytest.CaptureFixture[str]) -> str:
    """The connection that the first talk becomes."""
    run("--url", server.url, "--json", "--meeting", "m", talks[0])
    return str(json.loads(capsys.readouterr().out)["files"][0]["connection_id"])


def test_waiting_prints_the_transcript_alone_on_standard_output(
    server: TusServer, scripted: Scripted, talks: list[Path], connection: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served = Served(server, scripted)
    served.transcribed(connection, "Ann: hö\n".encode())
    assert run(*served.options, "--meeting", "m", talks[0]) == 0
    assert capsys.readouterr().out == "Ann: hö\n"


def test_waiting_writes_files_or_json(
    server: TusServer, scripted: Scripted, talks: list[Path], connection: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served = Served(server, scripted)
    served.transcribed(connection, b"WEBVTT\n")
    folder = talks[0].parent / "out"
    options = ["--meeting", "m", "--format", "vtt", "--output", folder, "--json"]
    assert run(*served.options, *options, talks[0]) == 0
    assert (folder / "m.vtt").read_bytes() == b"WEBVTT\n"
    assert json.loads(capsys.readouterr().out)["transcripts"] == [{"meeting_id": "m", "path": str(folder / "m.vtt")}]
    served.transcribed(connection, b"WEBVTT\n")
    assert run(*served.options, "--meeting", "m", "--format", "vtt", "--json", talks[0]) == 0
    assert json.loads(capsys.readouterr().out)["transcripts"] == [{"meeting_id": "m", "content": "WEBVTT\n"}]


def test_waiting_in_vain_fails_and_says_that_the_files_are_there(
    server: TusServer, scripted: Scripted, talks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    served = Served(server, scripted)
    scripted.answers += [(404, {}, b"{}")] * 100
    assert run(*served.options, "--timeout", "0", "--json", "--meeting", "m", talks[0]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["files"][0]["status"] == "uploaded"
    assert json.loads(shown.out)["transcripts"] == []
    assert "not transcribed after 0 s without any change: m" in shown.err


@pytest.fixture
def started(server: TusServer, tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts the command as a process that takes seconds for a large file, beside a small one."""
    (tmp_path / "large.webm").write_bytes(LARGE)
    (tmp_path / "small.webm").write_bytes(WEBM)
    command = [sys.executable, "-m", "turnscribe", "upload", "--url", server.url, "--json", "--limit-rate", "1M"]
    processes = []

    def start() -> "subprocess.Popen[str]":
        files = [str(tmp_path / "small.webm"), str(tmp_path / "large.webm")]
        processes.append(
            subprocess.Popen([*command, *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_says_how_to_go_on(
    server: TusServer, started: Callable[[], "subprocess.Popen[str]"], number: signal.Signals
) -> None:
    process = started()
    assert process.stderr is not None
    told = iter(process.stderr.readline, "")
    assert any("small.webm" in line for line in told), "it is there, and the uploader knows"
    until(lambda: len(server.methods) >= 6)  # the large one is on its way
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.endswith("turnscribe: interrupted; the same command goes on from here\n")
    assert [each["status"] for each in json.loads(out)["files"]] == ["uploaded", "interrupted"]


def test_killed_it_goes_on_where_the_server_s_bytes_end(
    server: TusServer, started: Callable[[], "subprocess.Popen[str]"]
) -> None:
    process = started()
    until(lambda: len(server.methods) >= 6)
    time.sleep(0.3)  # so that some bytes are on their way; how many does not matter
    process.kill()
    process.communicate()
    until(lambda: len(uploads_by_name(server)["large.webm"]) > 0)
    kept = len(uploads_by_name(server)["large.webm"])
    done: dict[str, Any] = json.loads(started().communicate(timeout=60)[0])
    assert [(each["status"], each["resumed_from_bytes"]) for each in done["files"]] == [
        ("uploaded", len(WEBM)),
        ("uploaded", kept),
    ]
    assert uploads_by_name(server) == {"small.webm": WEBM, "large.webm": LARGE}
