"""All adapters over Google Cloud.

Each library is imported with the first adapter that needs it: Firestore's import is half of a service's start.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from common.clock import Clock
from common.settings import Settings

if TYPE_CHECKING:
    from google.cloud import firestore

    from common.adapters.google.firestore_deliveries import FirestoreDeliveryStore
    from common.adapters.google.firestore_meetings import FirestoreMeetingStore
    from common.adapters.google.firestore_streams import FirestoreStreamRegistry
    from common.adapters.google.firestore_tokens import FirestoreTokenStore
    from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore
    from common.adapters.google.firestore_webhooks import FirestoreWebhookStore
    from common.adapters.google.firestore_work import FirestoreWorkStore
    from common.adapters.google.gcs_blob_store import GcsBlobStore
    from common.adapters.google.gcs_source_objects import GcsSourceObjects
    from common.adapters.google.pubsub_publisher import PubSubPublisher


class GoogleBackend:
    """Bucket, topics and database of one project. See `common.adapters.backend.Backend`."""

    def __init__(self, settings: Settings, source: str, clock: Clock) -> None:
        self._settings = settings
        self._source = source
        self._clock = clock

    def blobs(self) -> "GcsBlobStore":
        """Cloud Storage."""
        from common.adapters.google.gcs_blob_store import GcsBlobStore

        return GcsBlobStore(self._settings.google_cloud_project, self._settings.gcs_bucket)

    def sources(self) -> "GcsSourceObjects":
        """Cloud Storage."""
        from common.adapters.google.gcs_source_objects import GcsSourceObjects

        return GcsSourceObjects(self._settings.google_cloud_project)

    def publisher(self) -> "PubSubPublisher":
        """Pub/Sub."""
        from common.adapters.google.pubsub_publisher import PubSubPublisher

        settings = self._settings
        return PubSubPublisher(settings.google_cloud_project, settings.pubsub_prefix, self._source, self._clock)

    def transcripts(self) -> "FirestoreTranscriptStore":
        """Firestore."""
        from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore

        return FirestoreTranscriptStore(self._firestore)

    def streams(self) -> "FirestoreStreamRegistry":
        """Firestore."""
        from common.adapters.google.firestore_streams import FirestoreStreamRegistry

        return FirestoreStreamRegistry(self._firestore)

    def meetings(self) -> "FirestoreMeetingStore":
        """Firestore."""
        from common.adapters.google.firestore_meetings import FirestoreMeetingStore

        return FirestoreMeetingStore(self._firestore)

    def works(self) -> "FirestoreWorkStore":
        """Firestore."""
        from common.adapters.google.firestore_work import FirestoreWorkStore

        return FirestoreWorkStore(self._firestore)

    def tokens(self) -> "FirestoreTokenStore":
        """Firestore."""
        from common.adapters.google.firestore_tokens import FirestoreTokenStore

        return FirestoreTokenStore(self._firestore)

    def webhooks(self) -> "FirestoreWebhookStore":
        """Firestore."""
        from common.adapters.google.firestore_webhooks import FirestoreWebhookStore

        return FirestoreWebhookStore(self._firestore)

    def deliveries(self) -> "FirestoreDeliveryStore":
        """Firestore."""
        from common.adapters.google.firestore_deliveries import FirestoreDeliveryStore

        return FirestoreDeliveryStore(self._firestore)

    @cached_property
    def _firestore(self) -> "firestore.Client":
        """One client, and so one channel, for everything that lies in Firestore."""
        from google.cloud import firestore

        return firestore.Client(project=self._settings.google_cloud_project, database=self._settings.firestore_database)
