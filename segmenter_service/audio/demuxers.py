"""Every demuxer by the name that sniffing gives its container."""

from collections.abc import Callable, Mapping
from typing import Final

from segmenter_service.audio.raw_pcm import RawPcmDemuxer
from segmenter_service.audio.wav import WavDemuxer
from segmenter_service.audio.webm import WebmDemuxer

AnyDemuxer = WebmDemuxer | WavDemuxer | RawPcmDemuxer
"""What a reader's state may hold; each has a tag of its own."""

DEMUXERS: Final[Mapping[str, Callable[[], AnyDemuxer]]] = {
    "webm": WebmDemuxer,
    "wav": WavDemuxer,
}


def container_of(demuxer: AnyDemuxer) -> str:
    """The container's name, as `AudioReader.container` tells it."""
    return str(demuxer.__struct_config__.tag)
