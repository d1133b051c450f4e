"""Reading EBML (RFC 8794): ids, sizes, children. Pure. What the elements of WebM mean is in `webm`."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from segmenter_service.audio.packets import Malformed

UNKNOWN_SIZE: Final = -1


class ElementHead(NamedTuple):
    """Id, size of the payload (or `UNKNOWN_SIZE`), and where the payload begins in the buffer."""

    id: int
    size: int
    payload_at: int


def read_vint(buffer: bytes, at: int, *, keep_marker: bool, max_length: int) -> tuple[int, int] | None:
    """A variable-length number and where it ends; None when `buffer` ends before it does. Raises `Malformed`."""
    if at >= len(buffer):
        return None
    length = 9 - buffer[at].bit_length()
    if length > max_length:
        raise Malformed(f"no EBML number begins with {buffer[at]:#04x}")
    if at + length > len(buffer):
        return None
    value = int.from_bytes(buffer[at : at + length], "big")
    return (value if keep_marker else value & (1 << 7 * length) - 1), at + length


def read_head(buffer: bytes, at: int) -> ElementHead | None:
    """The head of the element at `at`; None when more bytes are needed. Raises `Malformed`."""
    element = read_vint(buffer, at, keep_marker=True, max_length=4)
    if element is None:
        return None
    size = read_vint(buffer, element[1], keep_marker=False, max_length=8)
    if size is None:
        return None
    unknown = size[0] == (1 << 7 * (size[1] - element[1])) - 1
    return ElementHead(element[0], UNKNOWN_SIZE if unknown else size[0], size[1])


def children(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Ids and payloads of the elements that `payload` consists of. Raises `Malformed`."""
    at = 0
    while at < len(payload):
        head = read_head(payload, at)
        if head is None:
            raise Malformed("an element ends in the middle of another")
        end = len(payload) if head.size == UNKNOWN_SIZE else head.payload_at + head.size
        if end > len(payload):
            raise Malformed(f"element {head.id:#x} is longer than what holds it")
        yield head.id, payload[head.payload_at : end]
        at = end


def uint(payload: bytes) -> int:
    """An unsigned integer; nothing means 0."""
    return int.from_bytes(payload[:8], "big")
