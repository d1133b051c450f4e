"""Writing Opus packets as the WebM that a browser's MediaRecorder writes while it records.

Segment and Clusters have unknown sizes, a Cluster begins every few seconds, there are no Cues and no Duration.
FFmpeg's muxer cannot be made to write unknown Cluster sizes, hence these few lines. No encoding and no reading here.
"""

from collections.abc import Iterable
from typing import Final

EBML: Final = 0x1A45DFA3
SEGMENT: Final = 0x18538067
INFO: Final = 0x1549A966
TRACKS: Final = 0x1654AE6B
CLUSTER: Final = 0x1F43B675
TIMECODE: Final = 0xE7
SIMPLE_BLOCK: Final = 0xA3
KEYFRAME: Final = 0x80
TRACK_NUMBER: Final = 1
SEEK_PRE_ROLL_NS: Final = 80_000_000
"""What the Opus mapping of Matroska asks for."""


def _id(element: int) -> bytes:
    return element.to_bytes((element.bit_length() + 7) // 8, "big")


def _size(size_bytes: int) -> bytes:
    """A size in as few bytes as hold it; all ones are reserved for `unknown`."""
    width = next(width for width in range(1, 9) if size_bytes < (1 << 7 * width) - 1)
    return (size_bytes | 1 << 7 * width).to_bytes(width, "big")


def _element(element: int, payload: bytes) -> bytes:
    return _id(element) + _size(len(payload)) + payload


def _of_unknown_size(element: int) -> bytes:
    return _id(element) + b"\x01" + b"\xff" * 7


def _uint(element: int, value: int) -> bytes:
    return _element(element, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _header() -> bytes:
    return _element(
        EBML,
        _uint(0x4286, 1)  # EBMLVersion
        + _uint(0x42F7, 1)  # EBMLReadVersion
        + _uint(0x42F2, 4)  # EBMLMaxIDLength
        + _uint(0x42F3, 8)  # EBMLMaxSizeLength
        + _element(0x4282, b"webm")  # DocType
        + _uint(0x4287, 4)  # DocTypeVersion
        + _uint(0x4285, 2),  # DocTypeReadVersion
    )


def _info(writer: str) -> bytes:
    return _element(
        INFO,
        _uint(0x2AD7B1, 1_000_000)  # TimestampScale: one tick is one millisecond
        + _element(0x4D80, writer.encode())  # MuxingApp
        + _element(0x5741, writer.encode()),  # WritingApp
    )


def _tracks(opus_head: bytes) -> bytes:
    channels = opus_head[9]
    pre_skip_samples = int.from_bytes(opus_head[10:12], "little")
    entry = (
        _uint(0xD7, TRACK_NUMBER)
        + _uint(0x73C5, 1)  # TrackUID
        + _uint(0x83, 2)  # TrackType: audio
        + _element(0x86, b"A_OPUS")  # CodecID
        + _uint(0x56AA, pre_skip_samples * 1_000_000_000 // 48_000)  # CodecDelay, ns
        + _uint(0x56BB, SEEK_PRE_ROLL_NS)
        + _element(0x63A2, opus_head)  # CodecPrivate
        + _element(0xE1, _element(0xB5, b"\x47\x3b\x80\x00") + _uint(0x9F, channels))  # Audio: 48,000 Hz as a float
    )
    return _element(TRACKS, _element(0xAE, entry))


def live_webm(opus_head: bytes, packets: Iterable[bytes], *, packet_ms: int, cluster_ms: int, writer: str) -> bytes:
    """The whole recording, byte after byte as a recorder hands it out.

    `opus_head` is the 19-byte OpusHead of RFC 7845; each of `packets` lasts `packet_ms`. A Cluster begins every
    `cluster_ms` (at most 32 s, so that block times fit 16 bits). `writer` is named as the writing application.
    """
    if not 0 < cluster_ms <= 32_000:
        raise ValueError(f"cluster_ms is {cluster_ms}, not in 1..32000")
    parts = [_header(), _of_unknown_size(SEGMENT), _info(writer), _tracks(opus_head)]
    cluster_start_ms = -cluster_ms
    for index, packet in enumerate(packets):
        at_ms = index * packet_ms
        if at_ms - cluster_start_ms >= cluster_ms:
            cluster_start_ms = at_ms
            parts += [_of_unknown_size(CLUSTER), _uint(TIMECODE, at_ms)]
        block = bytes([0x80 | TRACK_NUMBER]) + (at_ms - cluster_start_ms).to_bytes(2, "big") + bytes([KEYFRAME])
        parts.append(_element(SIMPLE_BLOCK, block + packet))
    return b"".join(parts)
