"""The push routes of ingest, from what they stand on."""

from dataclasses import dataclass

from flask import Blueprint

from common.dead_letter_push import RawLastTry
from common.dead_letters import DeadLetters
from common.ports.source_objects import SourceObjects
from common.push import DEAD_LETTERS, PushAuth, RawHandler, push_blueprint
from common.quarantine import push_quarantine
from ingest_service.intake.intake import Intake
from ingest_service.intake.uploads import Uploads
from ingest_service.pubsub.audio_uploads import AudioUploads
from ingest_service.pubsub.dropbox import DropBox, DropBoxNotifications
from ingest_service.pubsub.whole_objects import WholeObjects
from ingest_service.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class Pushes:
    """Who may push, and where the objects are that messages name."""

    auth: PushAuth
    sources: SourceObjects


def drop_box(intake: Intake, uploads: Uploads, sources: SourceObjects, settings: IngestSettings) -> DropBox:
    """What takes dropped files."""
    return DropBox(WholeObjects(intake, uploads, sources, settings.max_recording_bytes), settings.trust)


def push_routes(intake: Intake, uploads: Uploads, pushes: Pushes, settings: IngestSettings) -> Blueprint:
    """`POST /push/audio-uploads`, `POST /push/dropbox` and `POST /push/dead-letters`, for the push service."""
    box = drop_box(intake, uploads, pushes.sources, settings)
    audio_uploads = AudioUploads(box.objects, settings.trust, settings.max_chunk_bytes)
    dropped = DropBoxNotifications(box)
    dead_letters = DeadLetters(intake.blobs, intake.raw_root)
    raw: dict[str, RawHandler] = {
        audio_uploads.topic: audio_uploads,
        dropped.topic: dropped,
        DEAD_LETTERS: RawLastTry((audio_uploads, dropped), dead_letters, intake.clock),
    }
    return push_blueprint({}, push_quarantine(intake.blobs, intake.raw_root), pushes.auth, raw=raw)
