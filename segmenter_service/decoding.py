"""Chunks into audio: on arrival, and again from the bucket where this instance has not kept the audio.

Both ways go through the same reader with the same calls, so they give the same samples.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.errors import Permanent
from segmenter_service.audio.reader import AudioReader, PcmBlock
from segmenter_service.holding import Holding
from segmenter_service.pcm_window import PcmWindow
from segmenter_service.state import Anchor, ConnectionState

ANCHOR_SPACING_SAMPLES: Final = 5 * 16_000
MAX_ANCHOR_BYTES: Final = 10_240
"""Of a reader's state inside the hot state. Ogg with large pages and uncompressed audio have more."""


def reader_of(state: ConnectionState) -> AudioReader:
    """The reader as the last drained chunk left it."""
    return AudioReader.restore(state.reader) if state.reader else new_reader(state)


def new_reader(state: ConnectionState) -> AudioReader:
    """A reader that has seen nothing."""
    return AudioReader.new(state.options.content_type, keep_channels=state.options.channels == "separate")


def move_anchors(holding: Holding) -> None:
    """Let the anchor follow the cuts, two steps behind: it never stands after a sample that may be needed again."""
    state = holding.state
    uncut = state.uncut_from_sample
    if state.next_anchor is not None and state.next_anchor.from_sample <= uncut:
        state.anchor, state.next_anchor = state.next_anchor, None
    reached = state.anchor.from_sample if state.anchor else 0
    if state.next_anchor is None and state.decoded_samples - reached >= ANCHOR_SPACING_SAMPLES:
        fits = len(state.reader) <= MAX_ANCHOR_BYTES
        if not fits:
            holding.around.blobs.create(holding.objects.anchor(state.next_seq), state.reader)
        reader = state.reader if fits else None
        state.next_anchor = Anchor(seq=state.next_seq, from_sample=state.decoded_samples, reader=reader)


def audio_between(holding: Holding, from_sample: int, to_sample: int) -> NDArray[np.int16]:
    """Samples (lanes, to - from) of the uncut span, from the window or decoded again from the bucket.

    A last frame reaches up to 31 ms past what is decoded; silence fills it.
    """
    channels = len(holding.state.lanes)
    if not holding.window.covers(from_sample, min(to_sample, holding.state.decoded_samples)):
        holding.window = _decoded_again(holding)
    return holding.window.read(from_sample, to_sample, channels)


def _decoded_again(holding: Holding) -> PcmWindow:
    """A window from the anchor to the end of what is decoded. What the window has beyond that (a flush) stays."""
    state = holding.state
    start = state.anchor or Anchor(seq=0, from_sample=0, reader=b"")
    window = PcmWindow(start.from_sample, start.from_sample)
    for block in _replay(holding, _reader_at(holding, start), start.seq):
        window.append(block)
    for block in holding.window.blocks:
        window.append(block)
    window.to_sample = max(window.to_sample, state.decoded_samples)
    window.drop_before(state.uncut_from_sample)
    return window


def _reader_at(holding: Holding, anchor: Anchor) -> AudioReader:
    reader = anchor.reader
    if reader is None:
        reader = holding.around.blobs.read(holding.objects.anchor(anchor.seq))
    return AudioReader.restore(reader) if reader else new_reader(holding.state)


def _replay(holding: Holding, reader: AudioReader, from_seq: int) -> Iterator[PcmBlock]:
    for seq in range(from_seq, holding.state.next_seq):
        holding.still_mine()
        gap = holding.state.gap_with(seq)
        if gap is not None:
            if seq == gap.from_seq:
                reader.lost()
            continue
        try:
            yield from reader.feed(holding.around.blobs.read(holding.objects.chunk(seq)))
        except Permanent:
            continue  # it lies in quarantine since it was drained
