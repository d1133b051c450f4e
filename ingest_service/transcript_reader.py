"""Asks the service that keeps transcripts, over HTTP and on the caller's behalf: ingest has none itself."""

from typing import Final, Protocol

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from common.errors import Retryable
from common.json_input import UNREADABLE_JSON
from common.problems import Problem
from common.whole_heads import whole_heads

TIMEOUT_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 256 * 1024**2
"""Some thousand hours of speech with the times of all words."""
_READ_BYTES: Final = 256 * 1024


class StreamAccount(msgspec.Struct, frozen=True):
    """What became of the audio of one of a meeting's streams."""

    audio_ms: int | None = None
    quarantined: int = 0


class MeetingStatus(msgspec.Struct, frozen=True):
    """How far a meeting's transcript is."""

    complete: bool
    streams: tuple[StreamAccount, ...]


class Written(msgspec.Struct, frozen=True):
    """A transcript in one format."""

    body: bytes
    content_type: str


class Transcripts(Protocol):
    """Reads with the caller's own token, so that nobody reads here what they may not read there."""

    def status(self, token: str, meeting_id: str) -> MeetingStatus | None:
        """How far the meeting is; None where nothing is known of it yet. Raises `Retryable`, or a 401 or 403 `Problem`."""
        ...

    def written(self, token: str, meeting_id: str, format_: str) -> Written:
        """The meeting's transcript. Raises `Retryable`, or a 401 or 403 `Problem`."""
        ...


class TranscriptReader:
    """`Transcripts` of the service at `base_url`, its base URL. Thread-safe; one attempt a call."""

    def __init__(self, base_url: str, *, connections: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._pool = whole_heads(urllib3.PoolManager(maxsize=connections, retries=False))

    def status(self, token: str, meeting_id: str) -> MeetingStatus | None:
        """See `Transcripts`."""
        status, written = self._get(token, f"/v1/meetings/{meeting_id}")
        if status == 404:
            return None
        try:
            return msgspec.json.decode(_read_well(status, written).body, type=MeetingStatus)
        except UNREADABLE_JSON as error:
            raise Retryable("the answer about the meeting can't be read", reason="transcripts_unreadable") from error

    def written(self, token: str, meeting_id: str, format_: str) -> Written:
        """See `Transcripts`."""
        path = f"/v1/meetings/{meeting_id}/transcript?format={format_}&provisional=false"
        return _read_well(*self._get(token, path))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.clear()

    def _get(self, token: str, path: str) -> tuple[int, Written]:
        try:
            answer = self._pool.request(
                "GET",
                self._base_url + path,
                headers={"Authorization": f"Bearer {token}"},
                timeout=TIMEOUT_S,
                redirect=False,
                preload_content=False,
            )
        except HTTPError as error:
            raise _unreachable(error) from error
        try:
            body = bytearray()
            for data in answer.stream(_READ_BYTES):
                body += data
                if len(body) > MAX_ANSWER_BYTES:
                    raise Retryable("the transcript is too long to be handed on", reason="transcripts_unreadable")
            return answer.status, Written(bytes(body), answer.headers.get("Content-Type", ""))
        except HTTPError as error:
            raise _unreachable(error) from error
        finally:
            answer.close()


def _read_well(status: int, written: Written) -> Written:
    if status == 200:
        return written
    if status in {401, 403}:
        kind = "unauthorized" if status == 401 else "forbidden"
        raise Problem(
            status, kind, f"The service at TRANSCRIPT_API_URL does not let this token read (status {status})."
        )
    raise Retryable(f"transcripts can't be read (status {status})", reason=f"transcripts_status_{status}")


def _unreachable(error: HTTPError) -> Retryable:
    return Retryable(f"transcripts can't be read: {type(error).__name__}", reason="transcripts_unreachable")
