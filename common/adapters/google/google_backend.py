"""All adapters over Google Cloud."""

from functools import cached_property

from google.cloud import firestore

from common.adapters.google.firestore_streams import FirestoreStreamRegistry
from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore
from common.adapters.google.gcs_blob_store import GcsBlobStore
from common.adapters.google.pubsub_publisher import PubSubPublisher
from common.clock import Clock
from common.settings import Settings


class GoogleBackend:
    """Bucket, topics and database of one project. See `common.adapters.backend.Backend`."""

    def __init__(self, settings: Settings, source: str, clock: Clock) -> None:
        self._settings = settings
        self._source = source
        self._clock = clock

    def blobs(self) -> GcsBlobStore:
        """Cloud Storage."""
        return GcsBlobStore(self._settings.google_cloud_project, self._settings.gcs_bucket)

    def publisher(self) -> PubSubPublisher:
        """Pub/Sub."""
        settings = self._settings
        return PubSubPublisher(settings.google_cloud_project, settings.pubsub_prefix, self._source, self._clock)

    def transcripts(self) -> FirestoreTranscriptStore:
        """Firestore."""
        return FirestoreTranscriptStore(self._firestore)

    def streams(self) -> FirestoreStreamRegistry:
        """Firestore."""
        return FirestoreStreamRegistry(self._firestore)

    @cached_property
    def _firestore(self) -> firestore.Client:
        """One client, and so one channel, for everything that lies in Firestore."""
        return firestore.Client(project=self._settings.google_cloud_project, database=self._settings.firestore_database)
