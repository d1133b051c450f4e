"""Resumable demuxer for AAC in ADTS frames. How they are found is in `frame_sync`."""

from typing import ClassVar, Final

from segmenter_service.audio.codecs import AAC_RATES
from segmenter_service.audio.frame_sync import FrameDemuxer, FrameHead
from segmenter_service.audio.packet_duration import AAC_FRAME
from segmenter_service.audio.packets import Codec

_HEAD_BYTES: Final = 7


class AdtsDemuxer(FrameDemuxer, tag="adts"):
    """See `FrameDemuxer`."""

    FORMAT: ClassVar[str] = "ADTS"

    def head(self, buffer: bytes, at: int) -> FrameHead | None:
        """See `FrameDemuxer`."""
        if buffer[at] != 0xFF or buffer[at + 1] & 0xF6 != 0xF0:
            return None
        size = int.from_bytes(buffer[at + 3 : at + 6], "big") >> 5 & 0x1FFF
        if buffer[at + 2] >> 2 & 15 >= len(AAC_RATES) or size <= _HEAD_BYTES:
            return None
        blocks = (buffer[at + 6] & 3) + 1
        kind = buffer[at + 1] << 16 | (buffer[at + 2] & 0xFD) << 8 | buffer[at + 3] & 0xC0
        return FrameHead(size, AAC_FRAME * blocks, kind)

    def opened(self, frame: bytes) -> tuple[Codec, bool]:
        """See `FrameDemuxer`. The decoder takes its configuration from the frames."""
        channels = (frame[2] & 1) << 2 | frame[3] >> 6
        return Codec("aac", AAC_RATES[frame[2] >> 2 & 15], {0: 2, 7: 8}.get(channels, channels)).checked(), True
