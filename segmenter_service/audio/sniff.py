"""Which container bytes are, from the bytes: what clients declare is too often wrong. Pure."""

from collections.abc import Mapping

from common.audio_signatures import SIGNATURES
from segmenter_service.audio.adts import AdtsDemuxer
from segmenter_service.audio.frame_sync import HEAD_BYTES, FrameDemuxer
from segmenter_service.audio.mp3 import Mp3Demuxer
from segmenter_service.audio.packets import Unreadable

_CONTINUATIONS = (
    (0, b"\x1f\x43\xb6\x75", "a WebM Cluster"),
    (0, b"\x43\xb6\x75", "a WebM Cluster"),
    (4, b"moof", "an MP4 fragment"),
)


_FRAMES: Mapping[str, FrameDemuxer] = {"mp3": Mp3Demuxer(), "adts": AdtsDemuxer()}
_FRAMES_IN_A_ROW = 3
_EBML = b"\x1a\x45\xdf\xa3"
_HEADER_BYTES = 12
_EBML_HEADER_BYTES = 64
"""Within them it says what kind of EBML it is."""


def sniffed(data: bytes) -> str | None:
    """The container that `data` begins; None when more bytes are needed to tell. Raises `Unreadable` when it begins none."""
    for at, signature, name in SIGNATURES:
        begin = data[at : at + len(signature)]
        if begin == signature:
            return name
        if len(data) < at + len(signature) and signature.startswith(begin):
            return None
    for name, frames in _FRAMES.items():
        found = _has_frames(data, frames)
        if found is not False:
            return name if found else None
    for at, signature, name in _CONTINUATIONS:
        if data[at : at + len(signature)] == signature:
            raise Unreadable(
                f"this is {name}, but the chunk with its header could not be read", reason="missing_header"
            )
    raise Unreadable("the bytes are of no known audio container", reason="unknown_container")


def _has_frames(data: bytes, frames: FrameDemuxer) -> bool | None:
    """Whether three frames stand in a row in `data`; None when its very beginning could be the first of them.

    They need not stand at the beginning, because a stream of frames can be read from any of them.
    """
    begin = data.find(b"\xff")
    while begin >= 0:
        at, kind = begin, None
        for _ in range(_FRAMES_IN_A_ROW):
            if len(data) - at < HEAD_BYTES:
                if begin == 0:
                    return None
                break
            head = frames.head(data, at)
            if head is None or kind not in {None, head.kind}:
                break
            at, kind = at + head.size, head.kind
        else:
            return True
        begin = data.find(b"\xff", begin + 1)
    return False


def telling_bytes(data: bytes) -> int:
    """So many bytes of something that begins like `data` are enough for `recording_begun_by`."""
    return _EBML_HEADER_BYTES if data.startswith(_EBML) else _HEADER_BYTES


def recording_begun_by(data: bytes) -> str | None:
    """The container whose header `data` begins with, beyond doubt: safe to ask in the middle of a recording."""
    ebml = data[:_EBML_HEADER_BYTES]
    if data.startswith(_EBML) and (b"webm" in ebml or b"matroska" in ebml):
        return "webm"
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return "wav"
    if data.startswith(b"fLaC\x00\x00\x00\x22"):
        return "flac"
    if data.startswith(b"OggS\x00") and len(data) > 5 and data[5] & 2:
        return "ogg"
    return "mp4" if data[4:8] == b"ftyp" else None
