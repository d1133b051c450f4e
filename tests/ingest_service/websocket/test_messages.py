import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.object_names import MAX_SEQ
from ingest_service.websocket.messages import (
    ChunkAnnounced,
    ClientMessage,
    EndAnnounced,
    SpeakersObserved,
    Unreadable,
    client_message,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"type":"chunk","seq":0}', ChunkAnnounced(0)),
        (b'{"captured_at_ms":5,"seq":7,"type":"chunk"}', ChunkAnnounced(7, 5)),
        (b'{"type":"end"}', EndAnnounced()),
        (b'{"type":"end","last_seq":-1,"observations":3}', EndAnnounced(-1, 3)),
        (b'{"type":"speakers","masks":[["Ann","01"]]}', SpeakersObserved(b'{"masks":[["Ann","01"]]}')),
    ],
)
def test_each_message_of_a_client(text: bytes, message: ClientMessage) -> None:
    assert client_message(text) == message


@pytest.mark.parametrize(
    ("text", "close_code"),
    [
        (b"", 1007),
        (b"\xff\xfe", 1007),
        (b"[]", 1007),
        (b"{}", 1007),
        (b'{"type":7}', 1007),
        (b'{"type":"hello"}', 1003),
        (b'{"type":"chunk"}', 1007),
        (b'{"type":"chunk","seq":-1}', 1007),
        (b'{"type":"chunk","seq":"0"}', 1007),
        (json.dumps({"type": "chunk", "seq": MAX_SEQ + 1}).encode(), 1007),
        (b'{"type":"chunk","seq":0,"captured_at":1}', 1007),
        (b'{"type":"end","last_seq":-2}', 1007),
        (b'{"type":"end","lastseq":1}', 1007),
        (b'{"type":"chunk","seq":' + b"[" * 100_000, 1007),
    ],
)
def test_what_is_no_message_is_named_and_has_its_close_code(text: bytes, close_code: int) -> None:
    with pytest.raises(Unreadable) as refused:
        client_message(text)
    assert refused.value.close_code == close_code
    assert (refused.value.problem.status, refused.value.problem.kind) == (400, "invalid-message")


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_garbage_is_never_a_failure_of_ours(text: bytes) -> None:
    with contextlib.suppress(Unreadable):
        client_message(text)
        assert json.loads(text)["type"] in {"chunk", "speakers", "end"}
