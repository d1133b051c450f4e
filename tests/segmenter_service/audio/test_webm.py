"""What recorders and remuxers may write into WebM, byte by byte."""

import pytest

from segmenter_service.audio.packets import Lost, Packet, Start, Unreadable
from segmenter_service.audio.webm import WebmDemuxer

CLUSTER, SEGMENT, GROUP = 0x1F43B675, 0x18538067, 0xA0
FRAME = bytes([15 << 3 | 0]) + b"silk"
"""An Opus packet of 20 ms, as far as its first byte tells."""
HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"


def element(key: int, payload: bytes) -> bytes:
    return key.to_bytes((key.bit_length() + 7) // 8, "big") + (1 << 28 | len(payload)).to_bytes(4, "big") + payload


def unknown_size(key: int) -> bytes:
    return key.to_bytes(4, "big") + b"\x01" + b"\xff" * 7


def header(*, scale: int = 1_000_000, codec: bytes = b"A_OPUS", private: bytes = HEAD, more: bytes = b"") -> bytes:
    video = element(0xAE, element(0xD7, b"\x01") + element(0x83, b"\x01") + element(0x86, b"V_VP9"))
    audio = element(
        0xAE, element(0xD7, b"\x02") + element(0x83, b"\x02") + element(0x86, codec) + element(0x63A2, private) + more
    )
    info = element(0x1549A966, element(0x2AD7B1, scale.to_bytes(4, "big")))
    return (
        element(0x1A45DFA3, element(0x4282, b"webm"))
        + unknown_size(SEGMENT)
        + element(0xEC, bytes(9))
        + info
        + element(0x1654AE6B, video + audio)
    )


def cluster(ticks: int, *blocks: bytes) -> bytes:
    return unknown_size(CLUSTER) + element(0xE7, ticks.to_bytes(4, "big")) + b"".join(blocks)


def block(ticks: int, payload: bytes = FRAME, *, lacing: int = 0, track: int = 2) -> bytes:
    return bytes([0x80 | track]) + ticks.to_bytes(2, "big", signed=True) + bytes([lacing << 1]) + payload


def simple(ticks: int, payload: bytes = FRAME, *, lacing: int = 0, track: int = 2) -> bytes:
    return element(0xA3, block(ticks, payload, lacing=lacing, track=track))


def packets(data: bytes) -> list[tuple[bytes, int | None]]:
    return [(item.data, item.at_us) for item in WebmDemuxer().feed(data) if isinstance(item, Packet)]


def test_reads_groups_other_tracks_and_elements_that_say_nothing():
    data = header() + cluster(
        1_000,
        simple(0),
        simple(5, b"picture" * 99, track=1),
        element(0xEC, bytes(77)),
        element(GROUP, element(0xA1, block(20)) + element(0x9B, b"\x14") + element(0x75A2, b"\x00")),
    )
    data += element(0x1C53BB6B, b"cues") + element(0x1254C367, b"tags") + cluster(2_000, simple(-40))
    assert packets(data) == [(FRAME, 1_000_000), (FRAME, 1_020_000), (FRAME, 1_960_000)]


def test_scales_timestamps():
    assert packets(header(scale=100_000) + cluster(500, simple(7))) == [(FRAME, 50_700)]


@pytest.mark.parametrize(
    ("lacing", "sizes"),
    [(1, b"\x02\x05\x07"), (2, b"\x02"), (3, b"\x02\x85\xc0")],
    ids=["xiph", "fixed", "ebml"],
)
def test_unlaces(lacing, sizes):
    frames = (
        [FRAME, FRAME + b"ab", FRAME] if lacing == 1 else [FRAME, FRAME + b"a", FRAME] if lacing == 3 else [FRAME] * 3
    )
    sizes = {3: b"\x02\x85\x5f\xff"[:2] + (0x4000 | 1 + (1 << 13) - 1).to_bytes(2, "big")}.get(lacing, sizes)
    found = packets(header() + cluster(0, simple(3, sizes + b"".join(frames), lacing=lacing)))
    assert found == [(frame, at) for frame, at in zip(frames, (3_000, None, None), strict=True)]


def test_lacing_that_lies_costs_its_block_only():
    found = packets(header() + cluster(0, simple(0, b"\x02\xff\xff\xff", lacing=1)) + cluster(20, simple(0)))
    assert found == [(FRAME, 20_000)]


def test_goes_on_at_the_next_cluster_after_a_loss_even_if_its_first_byte_is_lost():
    demuxer = WebmDemuxer()
    assert list(demuxer.feed(header() + cluster(0, simple(0))))
    for rest in (simple(20) + cluster(3_000, simple(0)), cluster(3_000, simple(0))[1:]):
        demuxer.lost()
        assert list(demuxer.feed(rest)) == [Packet(FRAME, 960, 3_000_000)]


def test_garbage_sizes_swallow_nothing():
    huge = b"\xa3\x10\xff\xff\xff" + b"x" * 50
    found = list(WebmDemuxer().feed(header() + cluster(0, simple(0)) + huge + cluster(1_000, simple(0))))
    assert [type(item) for item in found][:3] == [Start, Packet, Lost]
    assert found[-1] == Packet(FRAME, 960, 1_000_000)


def test_a_second_header_is_a_second_start():
    recording = header() + cluster(0, simple(0))
    assert [type(item) for item in WebmDemuxer().feed(recording * 2)] == [Start, Packet] * 2


def test_pre_skip_is_in_the_codec_and_not_in_the_decoder():
    start = next(WebmDemuxer().feed(header()))
    assert isinstance(start, Start)
    assert (start.codec.delay, start.codec.extradata[10:12], start.codec.rate) == (312, b"\0\0", 48_000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header(private=b"short"), "corrupt_header"),
        (element(0x1A45DFA3, b"\x42\x82\x84webm") + cluster(0), "corrupt_header"),
        (element(0x1A45DFA3, b"") + element(0x1654AE6B, b""), "no_audio"),
        (b"\x1a\x45\xdf\xa3\x00", "corrupt_header"),
    ],
)
def test_headers_that_make_no_sense_are_named(data, reason):
    with pytest.raises(Unreadable) as caught:
        list(WebmDemuxer().feed(data))
    assert caught.value.reason == reason
