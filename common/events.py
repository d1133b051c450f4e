"""The events between the services: frozen, versioned, CloudEvents 1.0 in Pub/Sub's binary content mode.

The data is JSON; CloudEvents' own attributes travel as message attributes `ce-…`, the media type as `Content-Type`
(Google Cloud Pub/Sub Protocol Binding for CloudEvents). An event's id is derived from its content, so that publishing the
same thing twice gives the same id. A field may be added to a version, with a default; anything else is a new version.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from common.errors import Permanent
from common.ids import ID_PATTERN, MAX_ID_LENGTH
from common.json_input import UNREADABLE_JSON

STREAM_EVENTS_TOPIC: Final = "stream-events"
SEGMENTS_TOPIC: Final = "segments"
TRANSCRIPTS_TOPIC: Final = "transcripts"
DELIVERIES_TOPIC: Final = "deliveries"

Id = Annotated[str, msgspec.Meta(max_length=MAX_ID_LENGTH, pattern=rf"\A{ID_PATTERN}\Z")]
"""An id that came with an event is checked again: a topic may have other publishers than ingest."""
Ms = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
SafeInt = Annotated[int, msgspec.Meta(ge=-(1 << 53), le=1 << 53)]
"""What every reader of JSON holds exactly. A larger number could be taken, and then be written nowhere."""


class StreamOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an uploader says once about a connection, with its first chunk."""

    content_type: str = "application/octet-stream"
    """As declared; the segmenter sniffs the bytes and uses this only for headerless PCM (`audio/l16;rate=…;channels=…`)."""
    source: str = ""
    """Where the meeting takes place, e.g. google_meet, zoom, phone."""
    language: str = ""
    """BCP 47 code, or empty: Whisper detects it."""
    channels: Literal["mix", "separate"] = "mix"
    """`separate`: every audio channel is one speaker (telephony)."""
    channel_speakers: tuple[str, ...] = ()
    """Names of the channels' speakers, in order, for `separate`."""
    connections: Literal["shared", "per_participant"] = "shared"
    """What the meeting's connections are to one another. `shared`: each hears the whole meeting, and one of them is transcribed at any
    time. `per_participant`: each is one person's own audio, and all are transcribed."""
    participant: str = ""
    """Who is heard on it, for `per_participant`: speaker of the words for which nothing else names one."""
    untimed: bool = False
    """When it was recorded is not known, as of a recording that was handed over without a time. It is transcribed whatever other
    connections heard, and stands in for none."""
    prompt: str = ""
    """What Whisper is told before the audio: names, terms, a style."""
    started_at_ms: SafeInt | None = None
    """Epoch milliseconds of the first sample, where the uploader knows; else it follows from when chunks were captured."""
    user_id: str = ""
    """The tenant's user whose token it came with."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What all events carry. Subclasses name their type and topic."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    tenant: Id
    meeting_id: Id
    connection_id: Id

    @property
    def key(self) -> str:
        """What makes two events of one type the same."""
        raise AssertionError("every event class has a key of its own")  # pragma: no cover

    @property
    def event_id(self) -> str:
        """Stable id: the same event published twice has the same one. 32 hex digits."""
        identity = f"{self.TYPE}|{self.tenant}|{self.connection_id}|{self.key}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]


class ChunkStored(Event, frozen=True, kw_only=True):
    """A chunk's bytes are durable in the bucket."""

    TYPE: ClassVar[str] = "turnscribe.chunk.stored.v1"
    TOPIC: ClassVar[str] = STREAM_EVENTS_TOPIC

    seq: Ms
    object_name: str
    size_bytes: Ms
    captured_at_ms: Ms
    """Epoch milliseconds of the chunk's end on the uploader's clock (its arrival where the uploader said nothing)."""
    options: StreamOptions = StreamOptions()

    @property
    def key(self) -> str:
        """One event for each seq."""
        return str(self.seq)


class Activity(msgspec.Struct, frozen=True, array_like=True):
    """One speaker was active from `start_ms` to `end_ms`, on the clock of the observation that holds it."""

    speaker: str
    start_ms: SafeInt
    end_ms: SafeInt


class SpeakersObserved(Event, frozen=True, kw_only=True):
    """Who spoke in one window, as the meeting platform showed it. Masks arrive here already as intervals."""

    TYPE: ClassVar[str] = "turnscribe.speakers.observed.v1"
    TOPIC: ClassVar[str] = STREAM_EVENTS_TOPIC

    observation_id: Id
    """Hash of the content: the same observation sent twice is one."""
    object_name: str
    clock: Literal["epoch", "stream"]
    """`epoch`: milliseconds since the epoch, shifted by the speaker delay. `stream`: stream time, taken as it is."""
    covered_from_ms: SafeInt
    covered_to_ms: SafeInt
    """The window that the observation speaks about; silence inside it is information too."""
    activities: tuple[Activity, ...]

    @property
    def key(self) -> str:
        """The observation's own id."""
        return self.observation_id


class StreamEnded(Event, frozen=True, kw_only=True):
    """The uploader says that the connection is complete."""

    TYPE: ClassVar[str] = "turnscribe.stream.ended.v1"
    TOPIC: ClassVar[str] = STREAM_EVENTS_TOPIC

    last_seq: SafeInt
    """Seq of the last chunk; -1 when there is none."""
    observations: SafeInt | None = None
    """How many speaker observations were sent in all, where the uploader counted."""
    object_name: str

    @property
    def key(self) -> str:
        """One end for each connection."""
        return "end"


class StreamErased(Event, frozen=True, kw_only=True):
    """The registry says that nothing of a stream may be kept, or nothing of its audio: what there is goes."""

    TYPE: ClassVar[str] = "turnscribe.stream.erased.v1"
    TOPIC: ClassVar[str] = STREAM_EVENTS_TOPIC

    @property
    def key(self) -> str:
        """An erased stream never comes back."""
        return "erased"


class StreamReplayed(Event, frozen=True, kw_only=True):
    """The registry says that a stream is to be cut anew, from its first chunk on."""

    TYPE: ClassVar[str] = "turnscribe.stream.replayed.v1"
    TOPIC: ClassVar[str] = STREAM_EVENTS_TOPIC

    generation: Ms
    """How often it has been replayed, this time included."""

    @property
    def key(self) -> str:
        """One event for each time."""
        return str(self.generation)


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """One speaker speaking from `start_ms` to `end_ms`, in stream time. Turns may overlap."""

    speaker: str
    start_ms: SafeInt
    end_ms: SafeInt


class SegmentReady(Event, frozen=True, kw_only=True):
    """A revision of a segment has its audio in the bucket and can be transcribed."""

    TYPE: ClassVar[str] = "turnscribe.segment.ready.v1"
    TOPIC: ClassVar[str] = SEGMENTS_TOPIC

    segment_id: str
    channel: Ms
    revision: Ms
    """Grows with every revision of the segment; the final one has the highest."""
    final: bool
    start_ms: Ms
    end_ms: Ms
    """Stream time of the audio without its padding."""
    padding_ms: Ms
    """Digital silence before and after the audio in the object: subtract it from Whisper's times."""
    object_name: str
    """FLAC, 16 kHz, mono."""
    epoch_offset_ms: SafeInt
    """Epoch milliseconds = stream time + this."""
    turns: tuple[Turn, ...] = ()
    """Who spoke in and around the segment (from 5 s before it to 5 s after it)."""
    options: StreamOptions = StreamOptions()
    generation: Ms = 0
    """How often the connection had been replayed from its chunks before: what was cut before the last replay counts no more."""
    take: str = ""
    """Which transcription of the meeting it is for; empty: the first. See `common.ports.meeting_store.take_of`."""
    model: str = ""
    """Model to ask Whisper for, where a transcription is to have another than the installation's."""
    whole_from_ms: Ms | None = None
    """Stream time from which on no audio is missing up to the segment: where the one before it ended, for what was skipped as silence
    was heard, or a gap. None (an earlier release said nothing): its own start."""
    accepted_ms: SafeInt | None = None
    """Epoch milliseconds at which ingest announced the chunk that the segment's last audio came with. None where no event told of the
    chunk, or it came late. Only ages are taken from it."""
    take_over: bool = False
    """Another connection of the meeting was expected to cover the same time and did not: transcribe it, whatever else covers it."""

    @property
    def key(self) -> str:
        """One event for each revision."""
        taken_over = "|take over" if self.take_over else ""
        return f"{self.segment_id}|{self.revision}{_again(self.generation, self.take)}{taken_over}"


class SegmentRelabelled(Event, frozen=True, kw_only=True):
    """Who spoke in a final segment is known better than when it was announced: its words get their speakers anew."""

    TYPE: ClassVar[str] = "turnscribe.segment.relabelled.v1"
    TOPIC: ClassVar[str] = SEGMENTS_TOPIC

    segment_id: str
    channel: Ms
    start_ms: Ms
    """Stream time, as in `SegmentReady`."""
    revision: Ms
    """The final one."""
    labels: Ms
    """Grows; the highest of a segment holds."""
    turns: tuple[Turn, ...]
    """Who spoke in and around the segment, as it is known now."""
    options: StreamOptions = StreamOptions()
    generation: Ms = 0

    @property
    def key(self) -> str:
        """One event for each time."""
        return f"{self.segment_id}|{self.revision}|labels {self.labels}{_again(self.generation, '')}"


class TranscriptUpdated(Event, frozen=True, kw_only=True):
    """A revision of a segment's transcript is stored."""

    TYPE: ClassVar[str] = "turnscribe.transcript.updated.v1"
    TOPIC: ClassVar[str] = TRANSCRIPTS_TOPIC

    segment_id: str
    revision: Ms
    final: bool
    labels: Ms = 0
    """How often its words were given speakers anew."""
    generation: Ms = 0
    take: str = ""

    @property
    def key(self) -> str:
        """One event for each revision, and for each time that it was given speakers anew."""
        labels = f"|labels {self.labels}" if self.labels else ""
        return f"{self.segment_id}|{self.revision}{labels}{_again(self.generation, self.take)}"


class DeliveriesDue(Event, frozen=True, kw_only=True):
    """A receiver has something to be told. It is one event for the receiver and not for each thing: who handles it looks what is due.

    Meeting and connection are those of the first thing.
    """

    TYPE: ClassVar[str] = "turnscribe.deliveries.due.v1"
    TOPIC: ClassVar[str] = DELIVERIES_TOPIC

    receiver: Id
    """`engine`, or the id of a webhook."""
    subject: str
    """What it is about first; see `common.ports.delivery_store`."""
    rank: Ms
    attempt: Ms
    """How many attempts there were before."""

    @property
    def key(self) -> str:
        """One event for each thing and attempt."""
        return f"{self.receiver}|{self.subject}|{self.rank}|{self.attempt}"


class DeliveryWanted(Event, frozen=True, kw_only=True):
    """A delivery that was given up is wanted after all: the content of its dead letter."""

    TYPE: ClassVar[str] = "turnscribe.delivery.wanted.v1"
    TOPIC: ClassVar[str] = DELIVERIES_TOPIC

    receiver: Id
    subject: str
    message_type: str
    segment_id: str = ""
    take: str = ""
    rank: Ms
    message_id: str
    happened_at_ms: Ms

    @property
    def key(self) -> str:
        """One event for each message and receiver."""
        return f"{self.receiver}|{self.subject}|{self.rank}"


def _again(generation: int, take: str) -> str:
    """What tells the same segment's event of a replay or of another transcription apart; nothing for the first."""
    return f"|{generation}|{take}" if generation or take else ""


EVENT_TYPES: Final[Mapping[str, type[Event]]] = {
    cls.TYPE: cls
    for cls in (
        ChunkStored,
        SpeakersObserved,
        StreamEnded,
        StreamErased,
        StreamReplayed,
        SegmentReady,
        SegmentRelabelled,
        TranscriptUpdated,
        DeliveriesDue,
        DeliveryWanted,
    )
}
CONTENT_TYPE: Final = "application/json"


class Message(msgspec.Struct, frozen=True):
    """A Pub/Sub message: the body, and attributes (keys ≤ 256 bytes, values ≤ 1,024 bytes)."""

    data: bytes
    attributes: Mapping[str, str]


def to_message(event: Event, *, source: str, now_ms: int, traceparent: str = "") -> Message:
    """Encode `event`. `source` names the publishing service, e.g. `/turnscribe/ingest`."""
    attributes = {
        "ce-specversion": "1.0",
        "ce-type": event.TYPE,
        "ce-source": source,
        "ce-id": event.event_id,
        "ce-time": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ce-subject": f"{event.tenant}/{event.meeting_id}/{event.connection_id}",
        "Content-Type": CONTENT_TYPE,
    }
    if traceparent:
        attributes["ce-traceparent"] = traceparent
    return Message(msgspec.json.encode(event), attributes)


def from_message(message: Message) -> Event:
    """Decode and validate. Raises `Permanent` naming what is wrong: unknown type, other version, bad data."""
    attributes = message.attributes
    if attributes.get("ce-specversion") != "1.0":
        raise Permanent("message is not a CloudEvent 1.0 (attribute ce-specversion)", reason="not_a_cloudevent")
    event_type = EVENT_TYPES.get(attributes.get("ce-type", ""))
    if event_type is None:
        raise Permanent(f"unknown event type {attributes.get('ce-type', '')[:80]!r}", reason="unknown_event_type")
    try:
        return msgspec.json.decode(message.data, type=event_type)
    except UNREADABLE_JSON as error:  # its text names the path, not the value
        raise Permanent(f"{event_type.TYPE}: {error}", reason="invalid_event") from error
