"""What MP3 and ADTS share: frames one after another, each beginning with a sync word and naming its own length.

A sync word also occurs inside of frames. Out of step, a frame counts only if another one of the same kind follows it; in
step, the next one must stand where the last one ends. Tags between frames are passed over.
"""

from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

import msgspec

from segmenter_service.audio.packets import Codec, Item, Lost, Malformed, Packet, Start, Unreadable
from segmenter_service.audio.tags import TAG_HEAD_BYTES, tag_bytes

HEAD_BYTES: Final = 7


class FrameHead(NamedTuple):
    """What a frame's first bytes say."""

    size: int
    samples: int
    kind: int
    """The bits that all frames of a stream have in common."""


class FrameDemuxer(msgspec.Struct):
    """The fields are all that is carried from chunk to chunk."""

    FORMAT: ClassVar[str]

    carry: bytes = b""
    skip_bytes: int = 0
    """Still to come of a tag."""
    in_step: bool = False
    kind: int | None = None
    """Of the stream's frames; None before the first."""

    def head(self, buffer: bytes, at: int) -> FrameHead | None:
        """The head of the frame at `at`, None when none is there. `buffer` has `HEAD_BYTES` from `at` on."""
        raise NotImplementedError

    def opened(self, frame: bytes) -> tuple[Codec, bool]:
        """The codec that a stream with this first frame has, and whether the frame is audio. Raises `Malformed`."""
        raise NotImplementedError

    def feed(self, data: bytes) -> Iterator[Item]:
        """See `Demuxer`."""
        yield from self._frames(self.carry + data, ended=False)

    def lost(self) -> None:
        """See `Demuxer`."""
        self.carry = b""
        self.skip_bytes = 0
        self.in_step = False

    def finish(self) -> Iterator[Item]:
        """See `Demuxer`. A frame that was never completed is dropped."""
        yield from self._frames(self.carry, ended=True)
        if self.kind is None:
            raise Unreadable(f"no complete {self.FORMAT} frame came", reason="truncated_header")

    def _frames(self, buffer: bytes, *, ended: bool) -> Iterator[Item]:
        at = 0
        while True:
            skipped = min(self.skip_bytes, len(buffer) - at)
            self.skip_bytes -= skipped
            at += skipped
            tag = tag_bytes(buffer[at : at + TAG_HEAD_BYTES])
            if tag:
                self.skip_bytes = tag
                continue
            if len(buffer) - at < HEAD_BYTES or (tag is None and not ended):
                break
            head = self.head(buffer, at)
            if self.in_step and (head is None or head.kind != self.kind):
                self.in_step = False
                yield Lost(f"{self.FORMAT}: no frame where one must begin")
            elif head is None:
                at = _next_sync(buffer, at)
            elif self.in_step:
                if len(buffer) - at < head.size:
                    break
                yield Packet(buffer[at : at + head.size], head.samples)
                at += head.size
            else:
                confirmed = self._confirmed(buffer, at, head, ended=ended)
                if confirmed is None:
                    break
                if not confirmed:
                    at = _next_sync(buffer, at)
                    continue
                self.in_step = True
                if head.kind != self.kind:
                    self.kind = head.kind
                    codec, is_audio = self._opened(buffer[at : at + head.size])
                    yield Start(codec)
                    at += 0 if is_audio else head.size
        self.carry = buffer[at:]

    def _confirmed(self, buffer: bytes, at: int, head: FrameHead, *, ended: bool) -> bool | None:
        """Whether another frame (or a tag) follows this one; None when it takes more bytes to tell."""
        end = at + head.size
        if len(buffer) < end + HEAD_BYTES:
            return end <= len(buffer) if ended else None
        follower = self.head(buffer, end)
        is_tag = tag_bytes(buffer[end : end + HEAD_BYTES]) != 0
        return is_tag or (follower is not None and follower.kind == head.kind)

    def _opened(self, frame: bytes) -> tuple[Codec, bool]:
        try:
            return self.opened(frame)
        except Malformed as error:
            raise Unreadable(f"the {self.FORMAT} stream can't be read: {error}", reason="corrupt_header") from error


def _next_sync(buffer: bytes, at: int) -> int:
    """Where the next frame may begin."""
    found = buffer.find(b"\xff", at + 1)
    return found if found >= 0 else len(buffer)
