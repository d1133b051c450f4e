"""The shapes of what the server answers. Times are milliseconds. Unknown members are ignored, so that servers may add some."""

from typing import Literal

import msgspec


class StoredChunk(msgspec.Struct, frozen=True):
    """A chunk is durable."""

    connection_id: str
    seq: int
    size_bytes: int
    status: Literal["stored", "already_stored"]


class StreamProblem(msgspec.Struct, frozen=True):
    """Something of a stream that was accepted and could not be read."""

    type: str
    detail: str
    seq: int | None = None
    """The chunk; None where the end of the stream shows the fault."""


class StreamStatus(msgspec.Struct, frozen=True):
    """What of a stream is durable and what is missing."""

    connection_id: str
    meeting_id: str
    chunks: int
    """How many chunks are durable."""
    bytes: int
    """Their total size."""
    next_seq: int
    """The first seq that is not durable."""
    missing: tuple[int, ...]
    """Seqs below the highest durable one that are not durable (at most 1,000)."""
    ended: bool
    last_seq: int | None = None
    problems: tuple[StreamProblem, ...] = ()


class Word(msgspec.Struct, frozen=True):
    """One word, in milliseconds since the meeting's start."""

    text: str
    start_ms: int
    end_ms: int
    probability: float
    speaker: str | None = None
    confirmed: bool = False
    """Final, or two live revisions in a row agree on it."""


class Utterance(msgspec.Struct, frozen=True):
    """Consecutive words of one speaker."""

    text: str
    start_ms: int
    """Since the meeting's start."""
    end_ms: int
    connection_id: str
    segment_id: str
    final: bool
    speaker: str | None = None
    """None where nobody is known to have spoken."""
    start_at: str = ""
    """ISO 8601."""
    words: tuple[Word, ...] = ()
    present: tuple[str, ...] = ()
    """The users who were connected at that time."""


class Gap(msgspec.Struct, frozen=True):
    """Chunks that never came, and the stream time that they would have covered."""

    from_seq: int
    to_seq: int
    start_ms: int
    end_ms: int


class StreamAccount(msgspec.Struct, frozen=True):
    """What became of one connection's audio. The numbers are there once the stream is closed."""

    connection_id: str
    state: Literal["open", "closed"]
    audio_ms: int | None = None
    silence_skipped_ms: int | None = None
    segments: int | None = None
    gaps: tuple[Gap, ...] | None = ()
    quarantined: int | None = 0
    words_dropped: dict[str, int] | None = None
    """How many words of Whisper were not believed, by reason."""


class Transcript(msgspec.Struct, frozen=True):
    """A meeting's transcript."""

    meeting_id: str
    complete: bool
    """Every stream is closed and each of its segments is transcribed."""
    streams: tuple[StreamAccount, ...]
    utterances: tuple[Utterance, ...]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a service could not handle however often it came."""

    id: str
    type: str
    """Of its event."""
    meeting_id: str = ""
    connection_id: str = ""
    reason: str = ""
    detail: str = ""
    died_at: str = ""
    """ISO 8601."""


class ShownDeadLetter(DeadLetter, frozen=True, kw_only=True):
    """One dead letter with everything that is known of it."""

    subscription: str = ""
    """Where it failed."""
    attempts: int | None = None
    message_id: str = ""
    attributes: dict[str, str] = {}
    event: object = None
    """The message's data where it is JSON."""
    data: str | None = None
    """In base64, where it is not."""


class DeadLetterPage(msgspec.Struct, frozen=True):
    """Some dead letters, and the id after which the next ones come; None at the end."""

    dead_letters: tuple[DeadLetter, ...]
    next: str | None = None


class ReplayedDeadLetters(msgspec.Struct, frozen=True):
    """How many were published again, and the ids of those that can't be read and stay."""

    replayed: int
    unreadable: tuple[str, ...] = ()
    next: str | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A bearer token, as far as the server may tell."""

    id: str
    tenant: str
    label: str = ""
    scopes: tuple[str, ...]
    """Of ingest, read, edit, admin."""
    user_id: str = ""
    """The tenant's user on whose behalf it uploads."""
    enabled: bool
    created_at: str = ""
    """ISO 8601."""


class CreatedToken(Token, frozen=True, kw_only=True):
    """A new one, with the token itself, which the server does not keep."""

    token: str


class TokenList(msgspec.Struct, frozen=True):
    """A tenant's tokens."""

    tokens: tuple[Token, ...]
