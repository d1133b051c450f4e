"""What a decoder makes of a packet depends on nothing that lies behind it in memory: libavcodec reads beyond the end of damaged ones."""

import random

import pytest

from segmenter_service.audio.decode import _frames, _open
from segmenter_service.audio.packets import Codec, Packet

OPUS = Codec("opus", 48_000, 2, b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0")
MP3 = Codec("mp3float", 44_100, 2)


def decoded(codec, data, behind):
    """Of a packet that lies in memory before `behind`."""
    frames = _frames(_open(codec), Packet(memoryview(data + behind)[: len(data)], 960))
    return None if frames is None else [bytes(plane) for frame in frames for plane in frame.planes]


@pytest.mark.parametrize(
    ("codec", "head"), [(OPUS, b"\x0c"), (OPUS, b"\x5c"), (OPUS, b"\xfc"), (MP3, b"\xff\xfb\x90\x64")]
)
def test_what_lies_behind_a_packet_is_not_heard(codec, head):
    for seed in range(100):
        chance = random.Random(seed)
        data = head + chance.randbytes(chance.randint(2, 12))
        assert decoded(codec, data, bytes(64)) == decoded(codec, data, b"\xff" * 64)
