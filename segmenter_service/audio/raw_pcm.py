"""Headerless samples, which only the declared content type can explain: audio/L16 (RFC 2586), audio/pcm, telephony's laws."""

from collections.abc import Iterator
from typing import Final

import msgspec

from segmenter_service.audio import codecs
from segmenter_service.audio.packet_duration import Meter
from segmenter_service.audio.packets import Codec, Item, Malformed, Packet, Start, Unreadable
from segmenter_service.audio.wav import PACKETS_PER_S

_CODECS: Final = {
    "audio/l16": "pcm_s16be",
    "audio/pcm": "pcm_s16le",
    "audio/x-pcm": "pcm_s16le",
    "audio/basic": "pcm_mulaw",
    "audio/pcmu": "pcm_mulaw",
    "audio/pcma": "pcm_alaw",
}
_TELEPHONY_RATE: Final = 8_000


def declared_pcm(content_type: str) -> Codec | None:
    """The codec that `content_type` declares, None when it declares no headerless samples. Raises `Unreadable`."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    name = _CODECS.get(media_type)
    if name is None:
        return None
    values = {key.strip(): value.strip(' "') for key, _, value in (each.partition("=") for each in parameters)}
    default_rate = str(_TELEPHONY_RATE) if name in {"pcm_alaw", "pcm_mulaw"} else ""
    rate, channels = values.get("rate", default_rate), values.get("channels", "1")
    if not (rate.isdecimal() and channels.isdecimal() and len(rate) < 8 and len(channels) < 4):
        raise Unreadable(
            f"{media_type} must name its rate, as in {media_type};rate=16000;channels=1", reason="missing_rate"
        )
    try:
        return codecs.pcm(name, int(rate), int(channels))[0]
    except Malformed as error:
        raise Unreadable(f"{media_type} with {error}", reason="unsupported_codec") from error


class RawPcmDemuxer(msgspec.Struct, tag="pcm"):
    """Packets of 20 ms. The fields are all that is carried from chunk to chunk."""

    codec: Codec
    carry: bytes = b""
    started: bool = False

    def feed(self, data: bytes) -> Iterator[Item]:
        """See `Demuxer`."""
        if not self.started:
            self.started = True
            yield Start(self.codec)
        packet_bytes = max(1, self.codec.rate // PACKETS_PER_S) * self._unit
        buffer = self.carry + data
        whole = len(buffer) - len(buffer) % packet_bytes
        for at in range(0, whole, packet_bytes):
            yield self._packet(buffer[at : at + packet_bytes])
        self.carry = buffer[whole:]

    def lost(self) -> None:
        """See `Demuxer`. What comes next is taken to begin with a whole sample."""
        self.carry = b""

    def finish(self) -> Iterator[Item]:
        """See `Demuxer`. The last packet may be short."""
        whole = len(self.carry) - len(self.carry) % self._unit
        if whole:
            yield self._packet(self.carry[:whole])
        self.carry = b""

    @property
    def _unit(self) -> int:
        return codecs.sample_bytes(self.codec.name) * self.codec.channels

    def _packet(self, data: bytes) -> Packet:
        return Packet(data, Meter(self.codec.name, unit=self._unit).samples(data))
