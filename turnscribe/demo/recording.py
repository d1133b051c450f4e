"""A recording as an uploader sees it: bytes of a known container, cut into the pieces that are sent.

Pieces are cut by bytes, never at frames: the server must not need aligned chunks. Reading packet positions is PyAV's work;
without it the pieces have equal sizes and no times. Nothing is decoded here and nothing is sent.
"""

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from turnscribe.recording_file import content_type_of

PIECE_BYTES_WITHOUT_TIMES: Final = 48 * 1024
SIMPLE_BLOCK: Final = 0xA3


class UnreadableRecording(Exception):
    """The file is missing, unreadable, or no recording of a known kind. The message is for the person who named it."""


@dataclass(frozen=True, slots=True)
class Packet:
    """Where one packet begins in the file, and which audio it holds."""

    offset_bytes: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk: bytes `[from_byte, to_byte)`. `end_ms` is the audio time at its end, None where that is unknown."""

    seq: int
    from_byte: int
    to_byte: int
    end_ms: int | None


@dataclass(frozen=True)
class Recording:
    """A whole recording in memory."""

    path: Path
    data: bytes
    content_type: str
    duration_ms: int | None
    pieces: tuple[Piece, ...]

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def bytes_of(self, piece: Piece) -> bytes:
        """The piece's bytes."""
        return self.data[piece.from_byte : piece.to_byte]


def _one_byte_inside(data: bytes, payload_offset: int) -> int:
    """One byte into the Matroska block whose payload begins at `payload_offset`: where Chromium's recorder cuts.

    Anywhere else but before a block's payload this is one byte into the payload, which is just as unaligned.
    """
    for width in range(1, 9):
        size_at = payload_offset - width
        if size_at >= 1 and data[size_at - 1] == SIMPLE_BLOCK and data[size_at].bit_length() == 9 - width:
            return size_at
    return payload_offset + 1


def cut_by_time(data: bytes, packets: Sequence[Packet], piece_ms: int) -> tuple[Piece, ...]:
    """Pieces that end one byte into the first packet at or after every multiple of `piece_ms`. Pure.

    They are contiguous and cover `data`; packets whose offsets do not grow with time end no piece.
    """
    cuts: list[tuple[int, int]] = []
    next_ms = piece_ms
    for packet in packets:
        if packet.start_ms < next_ms:
            continue
        cut = _one_byte_inside(data, packet.offset_bytes)
        if (cuts[-1][0] if cuts else 0) < cut < len(data):
            cuts.append((cut, packet.start_ms))
            next_ms = (packet.start_ms // piece_ms + 1) * piece_ms
    cuts.append((len(data), max((packet.end_ms for packet in packets), default=0)))
    starts = [0, *(cut for cut, _ in cuts)]
    return tuple(
        Piece(seq, start, cut, end_ms) for seq, (start, (cut, end_ms)) in enumerate(zip(starts, cuts, strict=False))
    )


def cut_by_size(size_bytes: int, piece_bytes: int) -> tuple[Piece, ...]:
    """Pieces of equal size, without times. Pure."""
    starts = range(0, max(size_bytes, 1), piece_bytes)
    return tuple(Piece(seq, start, min(start + piece_bytes, size_bytes), None) for seq, start in enumerate(starts))


def read_packets(path: Path) -> tuple[Packet, ...] | None:
    """The packets of the first audio track in file order, or None when PyAV is not installed.

    Raises `UnreadableRecording` when there is no audio in the file.
    """
    if importlib.util.find_spec("av") is None:
        return None
    import av

    packets: list[Packet] = []
    first_ms: int | None = None
    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.audio:
                raise UnreadableRecording(f"{path}: holds no audio track")
            for packet in container.demux(container.streams.audio[0]):
                if packet.pts is None or packet.pos is None:
                    continue
                tick_ms = packet.time_base * 1000
                start_ms = round(packet.pts * tick_ms)
                first_ms = start_ms if first_ms is None else first_ms
                length_ms = round((packet.duration or 0) * tick_ms)
                packets.append(Packet(packet.pos, max(0, start_ms - first_ms), start_ms - first_ms + length_ms))
    except av.FFmpegError as error:
        raise UnreadableRecording(f"{path}: cannot be read as audio ({error.strerror})") from error
    if not packets:
        raise UnreadableRecording(f"{path}: holds no audio packets")
    return tuple(packets)


def load_recording(path: Path, piece_ms: int) -> Recording:
    """Read and cut the file at `path` into pieces of about `piece_ms`. Raises `UnreadableRecording`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableRecording(f"{path}: {error.strerror}") from error
    content_type = content_type_of(data)
    if content_type is None:
        raise UnreadableRecording(f"{path}: is no WebM, Ogg, WAV, MP3, FLAC or MP4 recording")
    packets = read_packets(path)
    if packets is None:
        return Recording(path, data, content_type, None, cut_by_size(len(data), PIECE_BYTES_WITHOUT_TIMES))
    duration_ms = max(packet.end_ms for packet in packets)
    return Recording(path, data, content_type, duration_ms, cut_by_time(data, packets, piece_ms))
