"""Playing the shipped conversation, or its beginning, to any installation by HTTP."""

from collections.abc import Callable, Sequence

from tests.e2e.conftest import START_MS, new_stream
from turnscribe.client import Client, Stream
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.recording import Piece, Recording, load_recording
from turnscribe.demo.speakers import MaskWindow, load_ground_truth, mask_windows

CHUNK_MS = 3_000
DELAY_MS = 1_000
"""How late the imagined meeting shows who speaks; the installation has SPEAKER_DELAY_SEC=1."""


def nothing() -> None:
    """No fault."""


def conversation() -> tuple[Recording, Sequence[MaskWindow]]:
    """The recording and who spoke in each of its seconds."""
    recording = load_recording(CONVERSATION, CHUNK_MS)
    truth = load_ground_truth(CONVERSATION_TRUTH)
    return recording, mask_windows(truth, recording.duration_ms or 0, delay_ms=DELAY_MS)


def play_conversation(uploads: Client, *, in_the_middle: Callable[[], None] = nothing) -> Stream:
    """Send all of it as fast as it is taken. `in_the_middle` is called when half of it is sent."""
    recording, windows = conversation()
    return _play(uploads, recording, recording.pieces, windows, in_the_middle)


def play_beginning(uploads: Client, chunks: int) -> Stream:
    """Send the first `chunks` chunks, with the speakers of their time, as a stream of its own."""
    recording, windows = conversation()
    until_ms = chunks * CHUNK_MS
    heard = [window for window in windows if window.end_ms <= until_ms + DELAY_MS]
    return _play(uploads, recording, recording.pieces[:chunks], heard, nothing)


def _play(
    uploads: Client,
    recording: Recording,
    pieces: Sequence[Piece],
    windows: Sequence[MaskWindow],
    in_the_middle: Callable[[], None],
) -> Stream:
    stream = new_stream(uploads, recording.content_type)
    waiting = list(windows)
    for piece in pieces:
        end_ms = piece.end_ms or 0
        stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=START_MS + end_ms)
        while waiting and (waiting[0].end_ms <= end_ms or piece is pieces[-1]):
            window = waiting.pop(0)
            stream.observe_masks(START_MS + window.end_ms, window.masks)
        if piece.seq == len(pieces) // 2:
            in_the_middle()
    stream.end(len(pieces) - 1, observations=len(windows))
    return stream
