"""The SDK's upload against a faithful tus server that fails where it is told to."""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import checked_id
from tests.turnscribe.conftest import Scripted
from tests.turnscribe.tus_server import Fault, TusServer, metadata_of, offsets_of, tus_server
from turnscribe.client import Client
from turnscribe.errors import (
    BadRequest,
    Conflict,
    NotFound,
    ServerFailed,
    ServerUnreachable,
    UnexpectedAnswer,
    UnusableFile,
)
from turnscribe.speaker_intervals import Interval
from turnscribe.transport import RetryPolicy
from turnscribe.upload import UploadProgress
from turnscribe.upload_identity import (
    UploadOptions,
    connection_of,
    fingerprint,
    meeting_named_after,
    upload_metadata,
)

PART = 1_000
DATA = b"\x1aE\xdf\xa3" + bytes(range(256)) * 14
"""3,588 bytes: four parts."""


@pytest.fixture
def server() -> Iterator[TusServer]:
    with tus_server() as running:
        yield running


@pytest.fixture
def client(server: TusServer) -> Iterator[Client]:
    with Client(server.url, "t", retry=RetryPolicy(first_pause_s=0.001, longest_pause_s=0.01), timeout_s=5) as made:
        yield made


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "wöchentlich, 42.webm"
    path.write_bytes(DATA)
    return path


def test_all_of_a_file_arrives_with_what_is_said_about_it(client: Client, server: TusServer, talk: Path) -> None:
    options = UploadOptions(
        language="de",
        source="zoom",
        channels="separate",
        channel_speakers=("Ann", "Bo"),
        connections="per_participant",
        participant="Jörg",
        started_at_ms=1_750_000_000_000,
    )
    done = client.upload(talk, meeting_id="m", options=options, part_bytes=PART)
    stored = server.only()
    assert bytes(stored.data) == DATA
    assert (done.meeting_id, done.size_bytes, done.resumed_from_bytes) == ("m", len(DATA), 0)
    assert stored.metadata == {
        "filename": "wöchentlich, 42.webm",
        "filetype": "audio/webm",
        "meeting_id": "m",
        "connection_id": done.connection_id,
        "language": "de",
        "source": "zoom",
        "channels": "separate",
        "channel_speakers": "Ann,Bo",
        "connections": "per_participant",
        "participant": "Jörg",
        "started_at_ms": "1750000000000",
    }
    assert server.methods == ["POST", "HEAD", "PATCH", "PATCH", "PATCH", "PATCH"]
    assert offsets_of(server) == [0, 1_000, 2_000, 3_000]


def test_the_same_again_is_nothing_and_other_words_are_another_upload(
    client: Client, server: TusServer, talk: Path
) -> None:
    first = client.upload(talk, meeting_id="m")
    again = client.upload(str(talk), meeting_id="m")
    assert (again.connection_id, again.resumed_from_bytes) == (first.connection_id, len(DATA))
    assert server.methods == ["POST", "HEAD", "PATCH", "POST", "HEAD"]
    others = [
        client.upload(talk, meeting_id="n"),
        client.upload(talk, meeting_id="m", options=UploadOptions(language="de")),
        client.upload(io.BytesIO(DATA + b"x"), meeting_id="m"),
    ]
    assert len({each.connection_id for each in [first, *others]}) == 4
    assert len(server.uploads) == 4


@given(st.text(st.characters(exclude_characters="/\0")), st.binary(max_size=3))
def test_a_meeting_named_after_a_file_is_a_valid_id(name: str, data: bytes) -> None:
    meeting_id = meeting_named_after(name, _sha256(data))
    assert checked_id(meeting_id, "meeting_id").endswith(f"-{_sha256(data)[:8]}")


@pytest.mark.parametrize(
    ("name", "words"),
    [("Wöchentlich, 42.webm", "Wochentlich-42"), ("会議.mp3", "recording"), ("..-a_b.c.m4a", "a_b.c"), (".wav", "wav")],
)
def test_a_meeting_is_named_as_far_as_an_id_can(client: Client, server: TusServer, name: str, words: str) -> None:
    source = io.BytesIO(DATA)
    source.name = f"folder/{name}"
    done = client.upload(source)
    assert done.meeting_id == server.only().metadata["meeting_id"] == f"{words}-{_sha256(DATA)[:8]}"


def test_a_name_changes_nothing(client: Client, server: TusServer, talk: Path) -> None:
    first = client.upload(talk, meeting_id="m")
    assert client.upload(io.BytesIO(DATA), meeting_id="m").connection_id == first.connection_id
    assert len(server.uploads) == 1


FAULTS = st.builds(Fault, keep_bytes=st.sampled_from([0, 1, 500, None])) | st.builds(
    Fault, status=st.sampled_from([423, 429, 502, 503, 504]), retry_after=st.sampled_from(["", "0"])
)


SPEAKERS = [Interval("Ann", 0, 400_000), Interval("Bo", 300_000, 700_000)]


def test_who_spoke_is_told_before_the_end(client: Client, server: TusServer, talk: Path) -> None:
    done = client.upload(talk, meeting_id="m", speakers=SPEAKERS)
    assert server.methods == ["POST", "HEAD", "POST", "POST", "POST", "PATCH"]
    told = [json.loads(each) for each in server.only().observations]
    assert [(each["clock"], each["covered_from_ms"], each["covered_to_ms"]) for each in told] == [
        ("stream", 0, 300_000),
        ("stream", 300_000, 600_000),
        ("stream", 600_000, 700_000),
    ]
    assert told[1]["intervals"] == [
        {"speaker": "Ann", "start_ms": 300_000, "end_ms": 400_000},
        {"speaker": "Bo", "start_ms": 300_000, "end_ms": 600_000},
    ]
    server.seen.clear()
    assert client.upload(talk, meeting_id="m", speakers=SPEAKERS[::-1]).connection_id == done.connection_id
    assert server.methods == ["POST", "HEAD"]
    assert client.upload(talk, meeting_id="m").connection_id != done.connection_id


@given(st.dictionaries(st.integers(0, 14), FAULTS, max_size=10), st.integers(0, len(DATA)))
def test_whatever_breaks_each_byte_arrives_once(faults: dict[int, Fault], had_bytes: int) -> None:
    with tus_server() as server:
        retry = RetryPolicy(first_pause_s=0.0001, longest_pause_s=0.001)
        with Client(server.url, "t", retry=retry, timeout_s=5) as client:
            key = fingerprint(_sha256(DATA), "m", UploadOptions(), SPEAKERS)
            client.upload(io.BytesIO(DATA), meeting_id="m", speakers=SPEAKERS, part_bytes=PART)
            observed = server.only().observations
            server.only().observations = observed[: had_bytes % 4] if had_bytes < len(DATA) else observed
            del server.uploads[key].data[had_bytes:]
            server.seen.clear()
            server.faults = faults
            done = client.upload(io.BytesIO(DATA), meeting_id="m", speakers=SPEAKERS, part_bytes=PART)
        assert bytes(server.only().data) == DATA
        assert server.only().observations == observed
        assert done.resumed_from_bytes == had_bytes
        assert [offset for offset in offsets_of(server) if offset < had_bytes] == []


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_server_that_forgot_the_upload_is_told_of_it_again(client: Client, server: TusServer, talk: Path) -> None:
    server.faults[3] = Fault(forget=True)
    client.upload(talk, meeting_id="m", part_bytes=PART)
    assert bytes(server.only().data) == DATA
    assert server.methods[:6] == ["POST", "HEAD", "PATCH", "PATCH", "POST", "HEAD"]
    assert offsets_of(server)[:3] == [0, 1_000, 0]


def test_where_the_server_says_an_upload_is_only_names_it(client: Client, server: TusServer, talk: Path) -> None:
    """The token goes to the server that it is for, whatever Location says."""
    server.absolute_location = True
    client.upload(talk, meeting_id="m")
    assert bytes(server.only().data) == DATA


def test_progress_goes_forward_and_tells_why_it_waits(client: Client, server: TusServer, talk: Path) -> None:
    server.faults[3] = Fault(status=503)
    told: list[UploadProgress] = []
    client.upload(talk, meeting_id="m", part_bytes=PART, progress=told.append)
    assert (told[0].state, told[0].durable_bytes) == ("reading", 0)
    assert (told[-1].state, told[-1].at_bytes, told[-1].durable_bytes) == ("done", len(DATA), len(DATA))
    durable = [each.durable_bytes for each in told]
    assert durable == sorted(durable)
    assert all(each.durable_bytes <= each.at_bytes <= each.size_bytes for each in told if each.state != "reading")
    (waiting,) = [each for each in told if each.state == "waiting"]
    assert waiting.durable_bytes == 1_000
    assert "503" in waiting.detail


class Stopped(Exception):
    pass


def test_what_progress_raises_stops_the_upload_and_the_same_call_goes_on(
    client: Client, server: TusServer, talk: Path
) -> None:
    def stop(at: UploadProgress) -> None:
        if at.durable_bytes >= 2_000:
            raise Stopped

    with pytest.raises(Stopped):
        client.upload(talk, meeting_id="m", part_bytes=PART, progress=stop)
    assert bytes(server.only().data) == DATA[:2_000]
    assert client.upload(talk, meeting_id="m", part_bytes=PART).resumed_from_bytes == 2_000
    assert bytes(server.only().data) == DATA


@pytest.mark.parametrize("change", ["grown", "rewritten"])
def test_a_file_that_changes_meanwhile_is_refused_before_its_end(
    client: Client, server: TusServer, talk: Path, change: str
) -> None:
    def interfere(at: UploadProgress) -> None:
        if at.durable_bytes == 3_000 and at.state == "sending" and at.at_bytes == 3_000:
            if change == "grown":
                talk.write_bytes(DATA + b"more")
            else:
                before = talk.stat()
                talk.write_bytes(DATA[::-1])
                os.utime(talk, ns=(before.st_atime_ns, before.st_mtime_ns + 1))

    with pytest.raises(UnusableFile, match=r"wöchentlich, 42\.webm: was changed while"):
        client.upload(talk, meeting_id="m", part_bytes=PART, progress=interfere)
    assert bytes(server.only().data) == DATA[:3_000]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda _: None, "No such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: os.mkfifo(path), "is no file; live audio goes through"),
        (lambda path: path.touch(), "is empty"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(
    client: Client, server: TusServer, tmp_path: Path, make: object, why: str
) -> None:
    make(tmp_path / "talk.mp3")  # type: ignore[operator]
    with pytest.raises(UnusableFile, match=rf"talk\.mp3: .*{why}"):
        client.upload(tmp_path / "talk.mp3", meeting_id="m")
    assert server.seen == []


def test_a_server_that_stays_away_is_given_up_once_nothing_moves(server: TusServer, talk: Path) -> None:
    server.faults = {number: Fault() for number in range(4, 10_000)}
    retry = RetryPolicy(give_up_after_s=0.05, first_pause_s=0.001, longest_pause_s=0.01)
    with Client(server.url, "t", retry=retry, timeout_s=5) as client, pytest.raises(ServerUnreachable, match="tried"):
        client.upload(talk, meeting_id="m", part_bytes=PART)
    assert bytes(server.only().data) == DATA[:2_000]


def test_a_refusal_is_the_server_s_own(server: TusServer, scripted: Scripted, talk: Path) -> None:
    scripted.answer(413, {"title": "Too large", "detail": "At most 1 byte."})
    with Client(scripted.url, "t") as client, pytest.raises(BadRequest, match="At most 1 byte"):
        client.upload(talk, meeting_id="m")
    scripted.answer(404, {"title": "Not Found"})
    with Client(scripted.url, "t") as client, pytest.raises(NotFound):
        client.upload(talk, meeting_id="m")


def test_a_conflict_that_stays_is_told(client: Client, server: TusServer, talk: Path) -> None:
    server.faults = {number: Fault(status=409) for number in range(2, 100, 2)}
    with pytest.raises(Conflict):
        client.upload(talk, meeting_id="m")
    assert len(server.seen) < 20


def test_a_server_that_fails_is_asked_some_more_times(client: Client, server: TusServer, talk: Path) -> None:
    server.faults = {number: Fault(status=500) for number in (0, 2, 3, 5)}
    client.upload(talk, meeting_id="m", part_bytes=PART)
    assert bytes(server.only().data) == DATA
    server.faults = {number: Fault(status=500) for number in range(len(server.seen), 100)}
    with pytest.raises(ServerFailed):
        client.upload(talk, meeting_id="m", part_bytes=PART)
    assert len(server.seen) < 40


def test_a_request_that_broke_off_on_its_way_is_no_refusal(scripted: Scripted, talk: Path) -> None:
    at = {"Upload_Length": str(len(DATA))}
    scripted.answer(201, None, Location="/v1/uploads/x")
    scripted.answer(200, None, Upload_Offset="0", **at)
    scripted.answer(400, {"type": "urn:turnscribe:problem:incomplete-body", "title": "Bad Request"})
    scripted.answer(200, None, Upload_Offset="5", **at)
    scripted.answer(204, None, Upload_Offset=str(len(DATA)))
    with Client(scripted.url, "t", retry=RetryPolicy(first_pause_s=0.001)) as client:
        client.upload(talk, meeting_id="m")
    assert [request.headers.get("Upload-Offset") for request in scripted.requests] == [None, None, "0", None, "5"]
    assert scripted.requests[-1].body == DATA[5:]


@pytest.mark.parametrize("location", ["", "/", "https://elsewhere.example/"])
def test_an_upload_without_a_place_is_no_answer(scripted: Scripted, talk: Path, location: str) -> None:
    scripted.answer(201, None, Location=location)
    with Client(scripted.url, "t") as client, pytest.raises(UnexpectedAnswer, match="where it is"):
        client.upload(talk, meeting_id="m")


def test_an_offset_beyond_the_end_is_no_answer(client: Client, server: TusServer, talk: Path) -> None:
    done = client.upload(talk, meeting_id="m")
    server.only().data += b"x"
    with pytest.raises(UnexpectedAnswer, match=f"stands at {len(DATA) + 1}"):
        client.upload(talk, meeting_id=done.meeting_id)


NAMES = st.sampled_from(["filename", "meeting_id", "language"])


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"))))
def test_metadata_says_any_text(values: dict[str, str]) -> None:
    header = upload_metadata(values)
    assert header.isascii()
    assert metadata_of(header) == {name: value for name, value in values.items() if value}


def test_a_fingerprint_is_stable_and_a_connection_is_a_valid_id() -> None:
    """Uploads that an earlier release began go on: what it was must not change."""
    options = UploadOptions(language="de", channel_speakers=("A",), channels="separate", started_at_ms=5)
    assert fingerprint("ab", "m", options) == fingerprint("ab", "m", options)
    expected = json.dumps(
        {
            "channel_speakers": "A",
            "channels": "separate",
            "language": "de",
            "meeting_id": "m",
            "sha256": "ab",
            "started_at_ms": "5",
            "turnscribe-upload": "1",
        },
        separators=(",", ":"),
    )
    assert fingerprint("ab", "m", options) == _sha256(expected.encode())
    assert connection_of("0123456789abcdef" * 4) == "upload-0123456789abcdef0123456789abcdef"
