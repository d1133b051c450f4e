"""How recordings begin. What follows is the segmenter's to read; ingest only turns away what cannot be one. Pure."""

import re
from typing import Final

SIGNATURES: Final = (
    (0, b"\x1a\x45\xdf\xa3", "webm"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"RIFF", "wav"),
    *((4, box, "mp4") for box in (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")),
    (0, b"caff", "whole"),  # Core Audio
    (0, b"FORM", "whole"),  # AIFF
    (0, b"#!AMR", "whole"),
    (0, b".snd", "whole"),  # AU
    (0, b"RF64", "whole"),
    (0, b"BW64", "whole"),
    (0, b"wvpk", "whole"),  # WavPack
    (0, b"MAC ", "whole"),  # Monkey's Audio
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "whole"),  # ASF, WMA
    (0, b"FLV\x01", "whole"),
)
"""`(offset, bytes, container)`. `whole`: no demuxer of its own; read at the end of the stream, as a file."""
HEADERLESS_TYPES: Final = frozenset(
    ("audio/l16", "audio/pcm", "audio/x-pcm", "audio/basic", "audio/pcmu", "audio/pcma")
)
"""Content types of samples without a header: any bytes will do."""
ENOUGH_BYTES: Final = 16
"""Fewer than this tell nothing."""
_TAG: Final = b"ID3"
_FRAME_SYNC: Final = re.compile(rb"\xff[\xe0-\xff]")


def is_headerless(content_type: str) -> bool:
    """Whether `content_type` declares samples without a header."""
    return content_type.partition(";")[0].strip().lower() in HEADERLESS_TYPES


def begins_no_recording(data: bytes) -> bool:
    """True when `data` is certainly not how a recording with a header begins. When in doubt, False.

    MPEG audio (MP3, AAC) may begin anywhere and has no more than 11 set bits for a signature, so bytes that have these are let pass.
    """
    if len(data) < ENOUGH_BYTES or data.startswith(_TAG) or _FRAME_SYNC.search(data):
        return False
    return not any(data[at : at + len(signature)] == signature for at, signature, _ in SIGNATURES)
