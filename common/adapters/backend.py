"""Which adapters a process stands on: Google's where GCS_BUCKET is set, the embedded ones where not.

Only composition roots call this. Each adapter is built when it is first asked for, once in a process; the vendor's libraries are
imported no earlier, so that a process loads what it uses.
"""

from pathlib import Path
from typing import Protocol

from common.clock import Clock
from common.ports.blob_store import BlobStore
from common.ports.delivery_store import DeliveryStore
from common.ports.meeting_store import MeetingStore
from common.ports.publisher import Publisher
from common.ports.source_objects import SourceObjects
from common.ports.stream_registry import StreamRegistry
from common.ports.token_store import TokenStore
from common.ports.transcript_store import TranscriptStore
from common.ports.webhook_store import WebhookStore
from common.ports.work_store import WorkStore
from common.settings import Settings


class Backend(Protocol):
    """Builds the adapters of one process. Ask for each once."""

    def blobs(self) -> BlobStore:
        """The bucket."""
        ...

    def sources(self) -> SourceObjects:
        """Objects of others, to be copied into the bucket."""
        ...

    def publisher(self) -> Publisher:
        """The topics."""
        ...

    def transcripts(self) -> TranscriptStore:
        """The transcripts."""
        ...

    def streams(self) -> StreamRegistry:
        """The streams."""
        ...

    def meetings(self) -> MeetingStore:
        """The meetings."""
        ...

    def works(self) -> WorkStore:
        """The work that goes on."""
        ...

    def tokens(self) -> TokenStore:
        """The tenants' API tokens."""
        ...

    def webhooks(self) -> WebhookStore:
        """The tenants' webhooks."""
        ...

    def deliveries(self) -> DeliveryStore:
        """What is to be delivered."""
        ...


def backend_of(settings: Settings, source: str, clock: Clock) -> Backend:
    """The backend that the settings name. `source` names the publishing service, e.g. `/turnscribe/ingest`."""
    if settings.gcs_bucket:
        from common.adapters.google.google_backend import GoogleBackend

        return GoogleBackend(settings, source, clock)
    from common.adapters.embedded.embedded_backend import EmbeddedBackend

    return EmbeddedBackend(Path(settings.data_dir), source, clock)
