"""Where below DATA_DIR each embedded adapter keeps its files: the services must agree, since each builds its own adapters."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataDir:
    """The places below one DATA_DIR."""

    root: Path

    @property
    def objects(self) -> Path:
        """Folder of the blob store."""
        return self.root / "objects"

    @property
    def queue(self) -> Path:
        """Database of the queue."""
        return self.root / "queue.sqlite3"

    @property
    def transcripts(self) -> Path:
        """Database of the transcripts."""
        return self.root / "transcripts.sqlite3"

    @property
    def streams(self) -> Path:
        """Database of the stream registry."""
        return self.root / "streams.sqlite3"

    @property
    def meetings(self) -> Path:
        """Database of the meetings."""
        return self.root / "meetings.sqlite3"

    @property
    def work(self) -> Path:
        """Database of the work that goes on."""
        return self.root / "work.sqlite3"

    @property
    def tokens(self) -> Path:
        """Database of the API tokens."""
        return self.root / "tokens.sqlite3"

    @property
    def webhooks(self) -> Path:
        """Database of the webhooks."""
        return self.root / "webhooks.sqlite3"

    @property
    def deliveries(self) -> Path:
        """Database of what is to be delivered."""
        return self.root / "deliveries.sqlite3"
