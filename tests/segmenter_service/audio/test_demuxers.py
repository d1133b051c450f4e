"""Packets: the same for every split of the bytes, and the ones that FFmpeg's own demuxers yield."""

import io

import av
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmenter_service.audio.demuxers import DEMUXERS
from segmenter_service.audio.packets import Item, Packet, Start
from segmenter_service.audio.sniff import sniffed

WHOLE_FILE = {"m4a", "aiff", "caf"}
places = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def items(chunks: list[bytes]) -> list[Item]:
    demuxer = DEMUXERS[str(sniffed(b"".join(chunks)))]()
    return [*(item for chunk in chunks for item in demuxer.feed(chunk)), *demuxer.finish()]


def bytes_of(found: list[Item]) -> list[bytes]:
    return [item.data for item in found if isinstance(item, Packet)]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places)
def test_packets_do_not_depend_on_where_the_bytes_were_cut(kit, any_format, places):
    if any_format in WHOLE_FILE:
        return
    recording = kit.encode(any_format)
    assert items(kit.cut(recording, places)) == items([recording])


def test_packets_survive_a_cut_after_every_byte(kit, any_format):
    if any_format in WHOLE_FILE:
        return
    recording = kit.encode(any_format, seconds=0.5)[:9_000]
    assert items([bytes([byte]) for byte in recording]) == items([recording])


def test_packets_are_those_that_ffmpeg_finds(kit, any_format):
    if any_format in WHOLE_FILE:
        return
    recording = kit.encode(any_format)
    found = items([recording])
    assert [type(item) for item in found if not isinstance(item, Packet)] == [Start]
    with av.open(io.BytesIO(recording)) as container:
        expected = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    if "wav" in any_format:  # samples come in packets of anybody's choice
        assert b"".join(bytes_of(found)) == b"".join(expected)
    else:
        assert bytes_of(found) == expected
