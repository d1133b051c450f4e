"""Which chunks of a connection are durable, kept up to date chunk by chunk: a connection of an hour is listed once. Pure."""

from collections.abc import Iterable, Iterator


class Watermark:
    """The durable seqs of one connection. Only what lies above the first hole is remembered one by one."""

    def __init__(self, seqs: Iterable[int] = ()) -> None:
        self.next_seq = 0
        """The first seq that is not durable."""
        self.free_seq = 0
        """The first seq above all that are durable; `next_seq` where nothing is missing."""
        self._above_hole: set[int] = set()
        for seq in seqs:
            self.add(seq)

    def add(self, seq: int) -> None:
        """`seq` is durable. Once more changes nothing."""
        self.free_seq = max(self.free_seq, seq + 1)
        if seq >= self.next_seq:
            self._above_hole.add(seq)
        while self.next_seq in self._above_hole:
            self._above_hole.remove(self.next_seq)
            self.next_seq += 1

    def missing(self) -> Iterator[int]:
        """What is not durable below the highest seq that is, in order."""
        return (seq for seq in range(self.next_seq, self.free_seq) if seq not in self._above_hole)
