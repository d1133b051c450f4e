"""Resumable demuxer for MP3: frames of MPEG audio layer III. How they are found is in `frame_sync`.

The first frame may hold no audio but the encoder's own notes (Xing, Info, VBRI): it is dropped, and the delay that LAME
wrote into it too.
"""

from typing import ClassVar, Final

from segmenter_service.audio import codecs
from segmenter_service.audio.frame_sync import FrameDemuxer, FrameHead
from segmenter_service.audio.packets import Codec

_KBPS_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44_100, 48_000, 32_000)
_MPEG1, _RESERVED, _LAYER_3 = 3, 1, 1
_MONO: Final = 3
_DECODER_DELAY: Final = 529
"""Samples by which every MP3 decoder trails; LAME's number does not count them."""
_WRITES_DELAY = (b"LAME", b"Lavf", b"Lavc")


class Mp3Demuxer(FrameDemuxer, tag="mp3"):
    """See `FrameDemuxer`."""

    FORMAT: ClassVar[str] = "MP3"

    def head(self, buffer: bytes, at: int) -> FrameHead | None:
        """See `FrameDemuxer`."""
        if buffer[at] != 0xFF or buffer[at + 1] & 0xE0 != 0xE0:
            return None
        version, layer = buffer[at + 1] >> 3 & 3, buffer[at + 1] >> 1 & 3
        kbps_index, rate_index, padding = buffer[at + 2] >> 4, buffer[at + 2] >> 2 & 3, buffer[at + 2] >> 1 & 1
        if version == _RESERVED or layer != _LAYER_3 or kbps_index in {0, 15} or rate_index == 3:
            return None
        mpeg1 = version == _MPEG1
        kbps = (_KBPS_MPEG1 if mpeg1 else _KBPS_MPEG2)[kbps_index]
        samples = 1_152 if mpeg1 else 576
        size = samples * kbps * 125 // _rate(version, rate_index) + padding
        return FrameHead(size, samples, version << 2 | rate_index)

    def opened(self, frame: bytes) -> tuple[Codec, bool]:
        """See `FrameDemuxer`."""
        version, rate_index = frame[1] >> 3 & 3, frame[2] >> 2 & 3
        mono = frame[3] >> 6 == _MONO
        side_bytes = (17 if mono else 32) if version == _MPEG1 else (9 if mono else 17)
        notes = frame[4 + side_bytes :]
        is_audio = notes[:4] not in {b"Xing", b"Info"} and frame[36:40] != b"VBRI"
        delay = 0 if is_audio else _delay(notes)
        codec, _ = codecs.mp3(_rate(version, rate_index), 1 if mono else 2, delay)
        return codec, is_audio


def _rate(version: int, rate_index: int) -> int:
    return _RATES[rate_index] >> (0 if version == _MPEG1 else 1 if version == 2 else 2)


def _delay(notes: bytes) -> int:
    """Samples before the first recorded one, from the encoder's notes; 0 when they don't say."""
    present = notes[7] if len(notes) > 7 else 0
    at = 8 + 4 * (present & 1) + 4 * (present >> 1 & 1) + 100 * (present >> 2 & 1) + 4 * (present >> 3 & 1)
    encoder = notes[at : at + 24]
    if len(encoder) < 24 or not encoder.startswith(_WRITES_DELAY):
        return 0
    return (int.from_bytes(encoder[21:24], "big") >> 12) + _DECODER_DELAY
