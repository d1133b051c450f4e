import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from common.errors import Permanent
from common.events import StreamOptions
from common.problems import Problem
from ingest_service.http.tus_headers import SAID
from ingest_service.intake.parameters import CHUNK_PARAMETERS, RECORDING_PARAMETERS, SOCKET_PARAMETERS
from ingest_service.intake.requests import (
    OPTION_NAMES,
    ChunkUpload,
    Stream,
    chunk_upload,
    parameters,
    stream,
    stream_options,
)
from ingest_service.pubsub.attributes import OPTIONS

OF = Stream("default", "c1", "m1")
NOW_MS = 1_700_000_000_000


def upload(seq: str = "0", content_type: str = "audio/webm", **query: str) -> ChunkUpload:
    return chunk_upload(OF, seq, query, content_type, NOW_MS)


@given(st.integers(0, 99_999_999), st.integers(0, 3))
def test_every_seq_is_read(seq: int, zeros: int) -> None:
    assert upload("0" * zeros + str(seq)).seq == seq


@pytest.mark.parametrize(
    ("seq", "named"),
    [
        ("-1", "whole number"),
        ("abc", "whole number"),
        ("1.0", "whole number"),
        ("1e3", "whole number"),
        ("+1", "whole number"),
        (" 1", "whole number"),
        ("١", "whole number"),
        ("²", "whole number"),
        ("", "whole number"),
        ("100000000", "too large"),
        ("9" * 5000, "too many digits"),
    ],
)
def test_a_bad_seq_is_named(seq: str, named: str) -> None:
    with pytest.raises(Problem, match=f"seq .*{named}") as caught:
        upload(seq)
    assert (caught.value.status, caught.value.extra) == (400, {"field": "seq"})


@given(st.integers(10**11, 10**14 - 1))
def test_captured_at_is_taken_as_it_is_even_from_a_wrong_clock(captured_at_ms: int) -> None:
    assert upload(captured_at_ms=str(captured_at_ms)).captured_at_ms == captured_at_ms


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("1700000000", "milliseconds.*seconds"),
        ("0", "milliseconds"),
        ("1700000000000000", "milliseconds.*too large"),
        ("-5", "whole number"),
        ("1700000000000.5", "whole number"),
        ("", "whole number"),
        ("now", "whole number"),
    ],
)
def test_a_bad_captured_at_is_named(value: str, named: str) -> None:
    with pytest.raises(Problem, match=f"captured_at_ms .*{named}"):
        upload(captured_at_ms=value)


def test_options_are_what_was_said() -> None:
    query = {"source": "phone", "language": "en", "channels": "separate", "channel_speakers": "Ann, Jörg "}
    assert stream_options(query, "audio/l16;rate=8000;channels=2") == StreamOptions(
        content_type="audio/l16;rate=8000;channels=2",
        source="phone",
        language="en",
        channels="separate",
        channel_speakers=("Ann", "Jörg"),
    )
    assert stream_options({}, "") == StreamOptions()
    own = stream_options({"connections": "per_participant", "participant": " Jörg "}, "")
    assert own == StreamOptions(connections="per_participant", participant="Jörg")


def test_every_way_in_knows_what_can_be_said() -> None:
    for known in (CHUNK_PARAMETERS, SOCKET_PARAMETERS, RECORDING_PARAMETERS, SAID):
        assert set(OPTION_NAMES) <= set(known)
    assert {name.removesuffix("_ms") for name in OPTION_NAMES} <= set(OPTIONS)
    said = {
        "source": "zoom",
        "language": "de",
        "channels": "separate",
        "channel_speakers": "Ann",
        "connections": "per_participant",
        "participant": "Ann",
        "started_at_ms": str(NOW_MS),
    }
    assert set(said) == set(OPTION_NAMES)
    nothing, everything = stream_options({}, ""), stream_options(said, "")
    assert all(getattr(everything, name) != getattr(nothing, name) for name in OPTION_NAMES)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"language": "english!"}, "language "),
        ({"language": "en-" + "a" * 40}, "language "),
        ({"channels": "stereo"}, "channels must be"),
        ({"source": "../x"}, "source may only"),
        ({"channel_speakers": "Ann"}, "channels=separate"),
        ({"channels": "separate", "channel_speakers": "Ann,,Bob"}, "channel_speakers is wrong: name 1 is empty"),
        ({"channels": "separate", "channel_speakers": "x" * 201}, "channel_speakers is wrong: name 0 has 201"),
        ({"channels": "separate", "channel_speakers": ",".join("abcdefghijklmnopq")}, "channel_speakers names 17"),
        ({"channels": "separate", "channel_speakers": "ö" * 1001}, "channel_speakers has more than"),
        ({"connections": "private"}, "connections must be"),
        ({"participant": "   "}, "participant is wrong: the name is empty"),
        ({"participant": "x" * 201}, "participant is wrong: the name has 201"),
    ],
)
def test_bad_options_are_named(query: dict[str, str], named: str) -> None:
    with pytest.raises((Problem, Permanent)) as caught:
        stream_options(query, "")
    assert named in str(caught.value)


def test_a_content_type_has_a_limit() -> None:
    with pytest.raises(Problem, match="Content-Type"):
        stream_options({}, "a" * 201)


def test_what_no_route_knows_or_comes_twice_is_named() -> None:
    with pytest.raises(Problem, match="capturedAt is no parameter"):
        parameters(MultiDict([("meeting_id", "m"), ("capturedAt", "1")]), CHUNK_PARAMETERS)
    with pytest.raises(Problem, match="meeting_id is given more than once"):
        parameters(MultiDict([("meeting_id", "m"), ("meeting_id", "n")]), CHUNK_PARAMETERS)
    assert parameters(MultiDict([("meeting_id", "m")]), CHUNK_PARAMETERS) == {"meeting_id": "m"}


def test_a_stream_needs_its_meeting() -> None:
    with pytest.raises(Problem, match="meeting_id is missing"):
        stream("default", "c1", {})
    with pytest.raises(Permanent, match="meeting_id is empty"):
        stream("default", "c1", {"meeting_id": ""})
    assert stream("default", "c1", {"meeting_id": "m1"}) == OF
