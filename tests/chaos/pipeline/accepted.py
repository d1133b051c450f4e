"""What uploaders were told that the pipeline has: all that may be asked of it afterwards. Pure."""

from dataclasses import dataclass, field

from tests.chaos.pipeline.streams import PlannedStream


@dataclass
class AcceptedStream:
    """One stream, as far as its uploader had answers that say so."""

    planned: PlannedStream
    meeting_id: str
    connection_id: str
    chunks: dict[int, bytes] = field(default_factory=dict)
    """By seq; empty where the server cuts."""
    whole: bytes | None = None
    """Of a whole recording: all of its bytes."""
    observations: int = 0
    ended: bool = False
    failure: str = ""
    """Why the uploader gave up; empty when it did not."""

    @property
    def data(self) -> bytes:
        """Every byte, in order."""
        if self.whole is not None:
            return self.whole
        return b"".join(self.chunks[seq] for seq in sorted(self.chunks))


@dataclass(frozen=True)
class Accepted:
    """All streams of one schedule."""

    run: str
    streams: tuple[AcceptedStream, ...]
