"""The bytes of one connection into PCM, chunk by chunk, resumable after each. No I/O but the temporary file of `whole`.

Chunk boundaries mean nothing: the same bytes give the same packets, the same blocks and the same samples however they were
cut. Between two chunks everything that matters fits into `snapshot`: a few kilobytes, whatever the length of the recording.
"""

from collections.abc import Callable, Iterator
from typing import Final, assert_never

import msgspec

from common.errors import Permanent
from segmenter_service.audio import sniff
from segmenter_service.audio.blocks import SAMPLE_RATE, Block, BlockBuilder
from segmenter_service.audio.decode import PcmBlock, decode
from segmenter_service.audio.demuxers import DEMUXERS, AnyDemuxer, container_of
from segmenter_service.audio.packets import Item, Lost, NeedsWholeFile, Packet, Start, Unreadable
from segmenter_service.audio.raw_pcm import RawPcmDemuxer, declared_pcm
from segmenter_service.audio.tags import TAG_HEAD_BYTES, tag_bytes
from segmenter_service.audio.whole import decode_whole

__all__ = ["AudioReader", "PcmBlock"]

STATE_VERSION: Final = 1
WHOLE: Final = "whole"
_CHAINS_ITSELF: Final = "ogg"
"""Several headers may follow each other at the start of an Ogg file; its demuxer tells whether a recording ended."""
_SLICE_BYTES: Final = 1 << 16
"""A demuxer gets no more at once: what it copies for each packet stays small beside a chunk of many megabytes."""
MAX_CHUNK_SAMPLES: Final = 4 * 3_600 * SAMPLE_RATE
"""Four hours: so far may one chunk take the clock, and so much audio may be in it, that of all kept channels together. A few kilobytes
can claim to be weeks; an hour of silence in a lossless format is half a megabyte."""
MAX_WHOLE_SAMPLES: Final = 24 * 3_600 * SAMPLE_RATE
"""A day: what is read of a file that can only be read as a whole."""


class _State(msgspec.Struct, array_like=True):
    """All that a reader remembers."""

    content_type: str
    keep_channels: bool
    version: int = STATE_VERSION
    demuxer: AnyDemuxer | None = None
    """None until the container is known."""
    whole: bool = False
    """The container can only be read at the end."""
    unknown: bytes = b""
    """The first bytes of a container that is not known yet."""
    tag_bytes: int = 0
    """Still to come of an ID3 tag in front of the container."""
    fed_bytes: int = 0
    whole_from_byte: int = 0
    builder: BlockBuilder = msgspec.field(default_factory=BlockBuilder)
    refused_packets: int = 0


class AudioReader:
    """Reads one connection. After an error it goes on with the next chunk, as after `lost`."""

    def __init__(self, state: _State) -> None:
        self._state = state

    @classmethod
    def new(cls, content_type: str, *, keep_channels: bool) -> "AudioReader":
        """A reader that has seen nothing. `content_type` as declared; it only matters for samples without a header.

        With `keep_channels`, blocks have a row for each channel; without, one row with the mean of all.
        """
        return cls(_State(content_type, keep_channels))

    @classmethod
    def restore(cls, state: bytes) -> "AudioReader":
        """The reader that `snapshot` was taken of. Raises `Permanent` for anything else."""
        try:
            decoded = msgspec.msgpack.decode(state, type=_State)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Permanent(f"this is not the state of an audio reader: {error}", reason="unreadable_state") from error
        if decoded.version != STATE_VERSION:
            raise Permanent(f"state of an audio reader of version {decoded.version}", reason="unreadable_state")
        return cls(decoded)

    def snapshot(self) -> bytes:
        """Everything to go on from here, elsewhere."""
        return msgspec.msgpack.encode(self._state)

    @property
    def container(self) -> str | None:
        """webm, mp4, ogg, mp3, flac, wav, pcm, adts or whole; None until the bytes told."""
        if self._state.whole:
            return WHOLE
        return container_of(self._state.demuxer) if self._state.demuxer else None

    @property
    def demuxed_end_ms(self) -> int | None:
        """Stream time at the end of the last packet; None before the first."""
        builder = self._state.builder
        return builder.end_sample * 1_000 // SAMPLE_RATE if builder.end_sample else None

    @property
    def refused_packets(self) -> int:
        """Packets that libavcodec could not decode; silence took their place."""
        return self._state.refused_packets

    def feed(self, data: bytes) -> Iterator[PcmBlock]:
        """The next bytes, and the blocks that they complete, decoded one by one as they are asked for.

        Raises `Permanent` when nothing of `data` can be read (`unknown_container`, `missing_header`, `corrupt_header`,
        `unsupported_codec`, `no_audio`, `corrupt_chunk`, …), or nothing may be (`too_much_audio`, see MAX_CHUNK_SAMPLES). What can
        be read before or after damage is returned instead.
        """
        state = self._state
        state.fed_bytes += len(data)
        if not data or state.whole:
            return iter(())
        if state.demuxer is None and not state.unknown:
            state.whole_from_byte = state.fed_bytes - len(data)
        before = state.builder.copied()
        blocks: list[Block] = []
        packets = audio_samples = 0
        problem: Permanent | None = None
        try:
            for item in self._items(data):
                packets += isinstance(item, Packet)
                if isinstance(item, Lost):
                    problem = problem or Permanent(item.problem, reason="corrupt_chunk")
                for block in self._take(item):
                    blocks.append(block)
                    rows = block.codec.channels if state.keep_channels else 1
                    audio_samples += (block.end_sample - block.first_sample) * rows
                    if max(audio_samples, block.end_sample - before.end_sample) > MAX_CHUNK_SAMPLES:
                        self._pass_over(before)
                        raise _too_much(
                            f"the chunk claims to be more than {MAX_CHUNK_SAMPLES // SAMPLE_RATE // 3_600} hours of audio"
                        )
        except Unreadable as error:
            problem = error
            state.demuxer, state.unknown = None, b""
            state.builder.lost()
        if problem and not packets and not blocks:
            raise problem
        return map(self._decoded, blocks)

    def _pass_over(self, before: BlockBuilder) -> None:
        """Nothing of this chunk is read: the clock stands where it stood, and what the chunk told of the format stays known."""
        state = self._state
        codec, state.builder = state.builder.codec, before
        if before.codec is None and codec is not None:
            list(before.start(codec))  # nothing is open that it could close
        elif codec != before.codec:
            state.demuxer = None  # of a recording whose beginning is passed over
        self.lost()

    def lost(self) -> None:
        """One or more chunks are missing here for good. Where the container has timestamps, the clock stays right."""
        state = self._state
        state.unknown = b""
        state.builder.lost()
        if state.demuxer is None:
            return
        if state.builder.codec is None and not isinstance(state.demuxer, RawPcmDemuxer):
            state.demuxer = None  # its header is incomplete for good
        else:
            state.demuxer.lost()

    def finish(self, whole: Callable[[], Iterator[bytes]]) -> Iterator[PcmBlock]:
        """The end of the stream: what is still open. `whole` gives all bytes of the connection, once more from the start.

        Raises `Permanent` when the stream ended before its header did, or can't be read as a whole.
        """
        state = self._state
        if state.whole:
            for pcm in decode_whole(whole(), from_byte=state.whole_from_byte, keep_channels=state.keep_channels):
                if pcm.first_sample >= MAX_WHOLE_SAMPLES:
                    raise _too_much(
                        f"the file has more than {MAX_WHOLE_SAMPLES // SAMPLE_RATE // 3_600} hours of audio; those were read"
                    )
                yield pcm
            return
        for item in self._items_at_end():
            for block in self._take(item):
                yield self._decoded(block)
        for block in state.builder.flush():
            yield self._decoded(block)

    def _items_at_end(self) -> Iterator[Item]:
        state = self._state
        pcm = declared_pcm(state.content_type) if state.unknown else None
        if pcm:
            state.demuxer = RawPcmDemuxer(pcm)
            yield from state.demuxer.feed(state.unknown)
        elif state.unknown or state.tag_bytes:
            raise Permanent("the stream ended before it showed what container it is", reason="truncated_header")
        if state.demuxer:
            yield from state.demuxer.finish()

    def _items(self, data: bytes) -> Iterator[Item]:
        state = self._state
        begun = sniff.recording_begun_by(data)
        if begun and state.demuxer and not begun == container_of(state.demuxer) == _CHAINS_ITSELF:
            yield from _last_items(state.demuxer)
            state.demuxer = None
        if state.demuxer is None:
            data = self._identify(data)
        for at in range(0, len(data), _SLICE_BYTES):
            if state.demuxer is not None:  # it is gone once it says that only the whole file will do
                yield from state.demuxer.feed(data[at : at + _SLICE_BYTES])

    def _identify(self, data: bytes) -> bytes:
        """Set the demuxer, or remember that bytes are missing to tell which. What is left of `data` goes to the demuxer."""
        state = self._state
        skipped = min(state.tag_bytes, len(data))
        state.tag_bytes -= skipped
        data, state.unknown = state.unknown + data[skipped:], b""
        at = 0
        while length := tag_bytes(data[at : at + TAG_HEAD_BYTES]):
            at += length
        state.tag_bytes += max(0, at - len(data))
        data = data[at:]
        pcm = declared_pcm(state.content_type)
        if pcm and len(data) >= sniff.telling_bytes(data) and not sniff.recording_begun_by(data):
            state.demuxer = RawPcmDemuxer(pcm)
            return data
        name = sniff.sniffed(data) if data and tag_bytes(data) == 0 else None
        if name is None:
            state.unknown = data
        elif name in DEMUXERS:
            state.demuxer = DEMUXERS[name]()
        else:
            self._read_at_the_end()
        return data

    def _take(self, item: Item) -> Iterator[Block]:
        state = self._state
        match item:
            case Packet():
                yield from state.builder.add(item)
            case Start(codec):
                yield from state.builder.start(codec)
            case Lost():
                state.builder.lost()
            case NeedsWholeFile():
                self._read_at_the_end()
            case _:
                assert_never(item)

    def _read_at_the_end(self) -> None:
        state = self._state
        if state.builder.codec is not None:
            raise Unreadable(
                "a file that is only readable as a whole cannot follow another recording",
                reason="unsupported_container",
            )
        state.demuxer, state.unknown, state.whole = None, b"", True

    def _decoded(self, block: Block) -> PcmBlock:
        pcm, refused = decode(block, keep_channels=self._state.keep_channels)
        self._state.refused_packets += refused
        return pcm


def _too_much(problem: str) -> Permanent:
    return Permanent(problem, reason="too_much_audio")


def _last_items(demuxer: AnyDemuxer) -> Iterator[Item]:
    """What ends a recording that another one follows."""
    try:
        yield from demuxer.finish()
    except Unreadable:
        return  # it never got beyond its header; the new one has a header of its own
