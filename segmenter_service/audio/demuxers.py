"""Every demuxer by the name that sniffing gives its container."""

from collections.abc import Callable, Mapping
from typing import Final

from segmenter_service.audio.adts import AdtsDemuxer
from segmenter_service.audio.flac import FlacDemuxer
from segmenter_service.audio.mp3 import Mp3Demuxer
from segmenter_service.audio.mp4 import Mp4Demuxer
from segmenter_service.audio.ogg import OggDemuxer
from segmenter_service.audio.raw_pcm import RawPcmDemuxer
from segmenter_service.audio.wav import WavDemuxer
from segmenter_service.audio.webm import WebmDemuxer

AnyDemuxer = WebmDemuxer | Mp4Demuxer | OggDemuxer | Mp3Demuxer | FlacDemuxer | WavDemuxer | AdtsDemuxer | RawPcmDemuxer
"""What a reader's state may hold; each has a tag of its own."""

DEMUXERS: Final[Mapping[str, Callable[[], AnyDemuxer]]] = {
    "webm": WebmDemuxer,
    "mp4": Mp4Demuxer,
    "ogg": OggDemuxer,
    "mp3": Mp3Demuxer,
    "flac": FlacDemuxer,
    "wav": WavDemuxer,
    "adts": AdtsDemuxer,
}


def container_of(demuxer: AnyDemuxer) -> str:
    """The container's name, as `AudioReader.container` tells it."""
    return str(demuxer.__struct_config__.tag)
