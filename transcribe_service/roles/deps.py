"""What the service stands on, whatever its role."""

from dataclasses import dataclass

from common.auth import TokenVerifier
from common.clock import Clock
from common.health import Drain
from common.ports.blob_store import BlobStore
from common.ports.delivery_store import DeliveryStore
from common.ports.meeting_store import MeetingStore
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRegistry
from common.ports.transcript_store import TranscriptStore
from common.ports.webhook_store import WebhookStore
from common.ports.work_store import WorkStore
from common.push import PushAuth
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.client import WhisperClient


@dataclass(frozen=True)
class TranscribeDeps:
    """The adapters of one process, and its settings."""

    settings: TranscribeSettings
    blobs: BlobStore
    publisher: Publisher
    transcripts: TranscriptStore
    streams: StreamRegistry
    meetings: MeetingStore
    webhooks: WebhookStore
    deliveries: DeliveryStore
    works: WorkStore
    whisper: WhisperClient | None
    """None where the role is `api`, which has nothing transcribed."""
    tokens: TokenVerifier
    push_auth: PushAuth
    clock: Clock
    drain: Drain
    threads: int | None = None
    """Of the server around it, where it has no more than it needs: live readers leave some of them to others."""
