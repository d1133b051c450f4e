"""Taking an object as a whole recording: copied piece by piece, never whole in memory, going on after what is stored already.

The copy is an upload like those of `/v1/uploads`: its description says which version of which object it is, its bytes are the chunks
of its connection. So a delivery that broke off costs the next one a listing.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from common.errors import Permanent, Retryable
from common.events import StreamOptions
from common.ports.source_objects import SourceObject, SourceObjects
from ingest_service.intake.intake import Intake
from ingest_service.intake.recordings import PIECE_BYTES, RecordingDiffers, empty_recording
from ingest_service.intake.requests import Stream
from ingest_service.intake.uploads import Upload, Uploads
from ingest_service.pubsub.refusals import as_pushes_know_it


@dataclass(frozen=True, slots=True)
class WholeObjects:
    """Copies from `sources` to the intake's bucket."""

    intake: Intake
    uploads: Uploads
    sources: SourceObjects
    max_bytes: int

    def take(self, source: SourceObject, stream: Stream, options: StreamOptions, *, handed_over_ms: int) -> int:
        """Copy what is not stored yet and publish the recording; returns the bytes that this call copied. Harmless to repeat.

        On return everything is durable. Raises `Permanent` where the object is too large, empty or no audio, or the connection is
        another recording's, and whatever `sources` and the bucket raise.
        """
        if source.size_bytes > self.max_bytes:
            message = f"the object has {source.size_bytes} bytes; at most {self.max_bytes} are allowed"
            raise Permanent(message, reason="too_large")
        with as_pushes_know_it():
            if not source.size_bytes:
                raise empty_recording()
            wanted = Upload(stream.meeting_id, source.size_bytes, options, handed_over_ms, _described(source))
            begun = self.uploads.begin(stream, wanted)
            if begun.metadata != wanted.metadata:
                raise RecordingDiffers("another object, or another version of it")
            offset = self.uploads.offset(stream, begun)
            if offset < source.size_bytes:
                self.uploads.append(stream, begun, offset, self._pieces(source, offset))
        return source.size_bytes - offset

    def _pieces(self, source: SourceObject, offset: int) -> Iterator[bytes]:
        while offset < source.size_bytes:
            piece = self.sources.read(source, offset, PIECE_BYTES)
            if not piece:
                raise Retryable("an object ended before its end", reason="short_read")
            yield piece
            offset += len(piece)


def digest_of(*parts: str) -> str:
    """64 hex digits that are the same for the same parts. Pure."""
    digest = hashlib.sha256()
    for part in parts:
        said = part.encode("utf-8", "surrogatepass")
        digest.update(len(said).to_bytes(8, "big") + said)
    return digest.hexdigest()


def meeting_named_after(object_name: str, digest: str) -> str:
    """A meeting of its own for an object: its file's name as far as an id can say it, and a digest. Pure."""
    ascii_name = unicodedata.normalize("NFKD", PurePosixPath(object_name).stem).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_name).strip("-._")[:80]
    return f"{words or 'recording'}-{digest[:12]}"


def _described(source: SourceObject) -> str:
    """As tus writes metadata, because `/v1/uploads` gives it out as such."""
    named = f"{source.uri}#{source.generation}"
    return f"source {base64.b64encode(named.encode()).decode()}"
