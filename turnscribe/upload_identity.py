"""What makes an upload what it is: what is said about a recording, and the names that follow from it and the content. Pure.

Nothing needs to be remembered, because the same recording with the same words has the same names each time.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

import msgspec

from turnscribe.speaker_intervals import Interval, observations


@dataclass(frozen=True)
class UploadOptions:
    """What is said about a recording. `content_type` only matters for samples without a header, as in `audio/pcm;rate=16000`."""

    content_type: str = ""
    source: str = ""
    language: str = ""
    channels: Literal["mix", "separate"] = "mix"
    channel_speakers: tuple[str, ...] = ()
    started_at_ms: int | None = None
    """Epoch milliseconds of the first sample."""
    connections: Literal["shared", "per_participant"] = "shared"
    """What the meeting's connections are to one another; `per_participant`: each is one person's own audio."""
    participant: str = ""
    """Who is at this one."""

    def metadata(self) -> dict[str, str]:
        """What of it is said, as the server names it. Pure."""
        said = {
            "filetype": self.content_type,
            "source": self.source,
            "language": self.language,
            "channels": "" if self.channels == "mix" else self.channels,
            "channel_speakers": ",".join(self.channel_speakers),
            "connections": "" if self.connections == "shared" else self.connections,
            "participant": self.participant,
            "started_at_ms": "" if self.started_at_ms is None else str(self.started_at_ms),
        }
        return {name: value for name, value in said.items() if value}


def fingerprint(content_sha256: str, meeting_id: str, options: UploadOptions, speakers: Sequence[Interval] = ()) -> str:
    """What makes two uploads the same one: content, meeting, and all that is said; 64 hex digits. Pure."""
    said = {"turnscribe-upload": "1", "sha256": content_sha256, "meeting_id": meeting_id, **options.metadata()}
    if speakers:
        said["speakers_sha256"] = hashlib.sha256(b"\n".join(observations(speakers))).hexdigest()
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def connection_of(upload_fingerprint: str) -> str:
    """The connection that an upload becomes. Pure."""
    return f"upload-{upload_fingerprint[:32]}"


def meeting_named_after(name: str, content_sha256: str) -> str:
    """A meeting of its own for a file: its name as far as an id can say it, and its content. Pure."""
    plain = unicodedata.normalize("NFKD", PurePath(name).stem).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:80]
    return f"{words or 'recording'}-{content_sha256[:8]}"


def upload_metadata(values: Mapping[str, str]) -> str:
    """The header that describes an upload: names, and values in base64; what is empty stays away. Pure."""
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items() if value)
