"""Tags that taggers put before, between and after frames. Pure: only their length matters here."""

from typing import Final

TAG_HEAD_BYTES: Final = 32
"""So many bytes tell how long a tag is."""
_ID3V2 = b"ID3"
_ID3V1 = b"TAG"
_APE = b"APETAGEX"
_ID3V2_HEAD_BYTES = 10
_ID3V1_BYTES = 128
_APE_HEAD_BYTES = 32


def tag_bytes(data: bytes) -> int | None:
    """Length of the tag that `data` begins with; 0 when it begins with none; None when more bytes are needed to tell."""
    if data.startswith(_ID3V2):
        return _id3v2_bytes(data) if len(data) >= _ID3V2_HEAD_BYTES else None
    if data.startswith(_ID3V1):
        return _ID3V1_BYTES
    if data.startswith(_APE):
        return _APE_HEAD_BYTES + int.from_bytes(data[12:16], "little") if len(data) >= 16 else None
    return None if data and any(magic.startswith(data) for magic in (_ID3V2, _ID3V1, _APE)) else 0


def _id3v2_bytes(data: bytes) -> int:
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    footer_bytes = _ID3V2_HEAD_BYTES if data[5] & 0x10 else 0
    return _ID3V2_HEAD_BYTES + size + footer_bytes
