"""All embedded adapters over one DATA_DIR."""

from pathlib import Path

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.folder_objects import FolderObjects
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_deliveries import SqliteDeliveryStore
from common.adapters.embedded.sqlite_meetings import SqliteMeetingStore
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.embedded.sqlite_tokens import SqliteTokenStore
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.adapters.embedded.sqlite_webhooks import SqliteWebhookStore
from common.adapters.embedded.sqlite_work import SqliteWorkStore
from common.clock import Clock


class EmbeddedBackend:
    """Files and SQLite below `data_dir`. See `common.adapters.backend.Backend`."""

    def __init__(self, data_dir: Path, source: str, clock: Clock) -> None:
        self._places = DataDir(data_dir)
        self._source = source
        self._clock = clock

    def blobs(self) -> FileBlobStore:
        """Files."""
        return FileBlobStore(self._places.objects)

    def sources(self) -> FolderObjects:
        """Files below `data_dir`."""
        return FolderObjects(self._places.root)

    def publisher(self) -> QueuePublisher:
        """The queue in SQLite."""
        return QueuePublisher(SqliteQueue(self._places.queue, self._clock), self._source, self._clock)

    def transcripts(self) -> SqliteTranscriptStore:
        """SQLite."""
        return SqliteTranscriptStore(self._places.transcripts)

    def streams(self) -> SqliteStreamRegistry:
        """SQLite."""
        return SqliteStreamRegistry(self._places.streams)

    def meetings(self) -> SqliteMeetingStore:
        """SQLite."""
        return SqliteMeetingStore(self._places.meetings)

    def works(self) -> SqliteWorkStore:
        """SQLite."""
        return SqliteWorkStore(self._places.work)

    def tokens(self) -> SqliteTokenStore:
        """SQLite."""
        return SqliteTokenStore(self._places.tokens)

    def webhooks(self) -> SqliteWebhookStore:
        """SQLite."""
        return SqliteWebhookStore(self._places.webhooks)

    def deliveries(self) -> SqliteDeliveryStore:
        """SQLite."""
        return SqliteDeliveryStore(self._places.deliveries)
