"""Uploading a whole recording so that it arrives once, whatever breaks on the way: a client of tus 1.0 below `/v1/uploads`.

Nothing is remembered on this side. What an upload is follows from the file's content, the meeting and what is said about them, and
goes along as Idempotency-Key: the same call finds the upload that was begun, goes on where the server's durable bytes end, and does
nothing where all of them are there. After any failure the server is asked for that offset again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from turnscribe.errors import BadRequest, Conflict, NotFound, ProblemAnswer, ServerFailed, UnexpectedAnswer
from turnscribe.rate_limit import RateLimit
from turnscribe.recording_file import BLOCK_BYTES, RecordingFile, content_type_of
from turnscribe.speaker_intervals import Interval, observations
from turnscribe.transport import Answer, PassingFailure, Transport
from turnscribe.upload_identity import UploadOptions, connection_of, fingerprint, meeting_named_after, upload_metadata

PART_BYTES: Final = 8 * 1024**2
"""Of one request. Cloud Run takes no more than 32 MiB; what was sent of a request that breaks may have to be sent again."""
_UPLOADS: Final = "/v1/uploads"
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_IN_VAIN: Final = 5
"""So often may the server refuse a step without anything having moved: another process may be uploading the same."""
State = Literal["reading", "sending", "waiting", "done"]


@dataclass(frozen=True)
class UploadProgress:
    """How far an upload is. What comes after `reading` (for the fingerprint) is measured in bytes of the same file again."""

    state: State
    at_bytes: int
    """Read; or handed to the network, which is never less than what is durable."""
    durable_bytes: int
    size_bytes: int
    detail: str = ""
    """Why, and for how long, it waits."""


@dataclass(frozen=True)
class UploadedRecording:
    """All of it is durable, and on its way to being transcribed."""

    connection_id: str
    meeting_id: str
    size_bytes: int
    resumed_from_bytes: int
    """What was durable before this call sent anything: `size_bytes` where there was nothing left to do."""


ToldProgress = Callable[[UploadProgress], None]
"""Called often, from the thread that uploads. What it raises goes through and stops the upload; the same call goes on later."""


def upload(
    transport: Transport,
    file: RecordingFile,
    meeting_id: str | None,
    options: UploadOptions,
    *,
    speakers: Sequence[Interval] = (),
    part_bytes: int = PART_BYTES,
    limit: RateLimit | None = None,
    progress: ToldProgress = lambda _: None,
) -> UploadedRecording:
    """Upload a recording, or what is missing of it. On return all of it is durable. Without a meeting it is `meeting_named_after` the file.

    Raises `UnusableFile`, `ServerUnreachable` once nothing has moved for as long as the client's `RetryPolicy` says, or the
    `ProblemAnswer` of a server that refuses.
    """
    size_bytes = file.size_bytes
    digest = file.sha256(lambda read_bytes: progress(UploadProgress("reading", read_bytes, 0, size_bytes)))
    meeting_id = meeting_named_after(file.name, digest) if meeting_id is None else meeting_id
    key = fingerprint(digest, meeting_id, options, speakers)
    metadata = {
        "filename": file.name,
        "filetype": content_type_of(file.head()) or "",
        "meeting_id": meeting_id,
        "connection_id": connection_of(key),
        **options.metadata(),
    }
    resumed_from_bytes = _Upload(
        transport, file, key, metadata, observations(speakers), part_bytes, limit, progress
    ).run()
    return UploadedRecording(connection_of(key), meeting_id, size_bytes, resumed_from_bytes)


class _Upload:
    """One run of one upload."""

    def __init__(
        self,
        transport: Transport,
        file: RecordingFile,
        key: str,
        metadata: Mapping[str, str],
        said_of_speakers: Sequence[bytes],
        part_bytes: int,
        limit: RateLimit | None,
        progress: ToldProgress,
    ) -> None:
        self._transport = transport
        self._file = file
        self._key = key
        self._metadata = metadata
        self._said_of_speakers = said_of_speakers
        self._speakers_sent = 0
        self._part_bytes = part_bytes
        self._limit = limit
        self._progress = progress
        self._patience = transport.patience()
        self._in_vain = 0
        self._path = ""
        self._offset: int | None = None
        """None where the server must be asked."""
        self._durable_bytes = 0

    def run(self) -> int:
        """One step after another until the server has everything; after a failure it is asked what it has. Returns where this run began."""
        began_at: int | None = None
        while self._offset != self._file.size_bytes:
            try:
                self._step()
            except PassingFailure as failure:
                self._wait(failure)
            except (Conflict, NotFound, ServerFailed, BadRequest) as error:
                self._in_vain += 1
                if self._in_vain > _IN_VAIN or not self._may_pass(error):
                    raise
                if isinstance(error, NotFound):
                    self._path, self._speakers_sent = "", 0
                self._wait(PassingFailure(str(error)))
            began_at = self._offset if began_at is None else began_at
        self._tell("done", self._file.size_bytes)
        return began_at or 0

    def _step(self) -> None:
        if not self._path:
            self._path = self._create()
        elif self._offset is None:
            self._stand_at(self._look())
        elif self._speakers_sent < len(self._said_of_speakers):
            # Before the last byte, with which the recording goes on its way.
            self._tell_speakers(self._said_of_speakers[self._speakers_sent])
            self._speakers_sent += 1
        else:
            self._stand_at(self._send(self._offset))

    def _may_pass(self, error: ProblemAnswer) -> bool:
        """Whether to look where the upload stands and go on: the server failed, is elsewhere, knows the upload no more, or lost the rest
        of a request on its way there."""
        if isinstance(error, BadRequest):
            return error.problem.type.endswith(":incomplete-body")
        return bool(self._path) or isinstance(error, ServerFailed)

    def _create(self) -> str:
        """Where the upload is: a new one, or the one that this key has already."""
        headers = {
            "Upload-Length": str(self._file.size_bytes),
            "Upload-Metadata": upload_metadata(self._metadata),
            "Idempotency-Key": self._key,
        }
        location = self._transport.attempt("POST", _UPLOADS, headers=_TUS | headers).headers.get("Location", "")
        upload_id = urlsplit(location).path.rstrip("/").rpartition("/")[2]
        if not upload_id:
            raise UnexpectedAnswer("the server made an upload and did not say where it is")
        return f"{_UPLOADS}/{upload_id}"

    def _look(self) -> int:
        answer = self._transport.attempt("HEAD", self._path, headers=_TUS)
        length = answer.headers.get("Upload-Length", "")
        if length != str(self._file.size_bytes):
            raise UnexpectedAnswer(f"the server takes this upload for one of {length or 'unknown'} bytes")
        return self._said_offset(answer, 0)

    def _send(self, offset: int) -> int:
        end = min(offset + self._part_bytes, self._file.size_bytes)
        headers = {
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(end - offset),
        }
        answer = self._transport.attempt("PATCH", self._path, body=self._part(offset, end), headers=_TUS | headers)
        return self._said_offset(answer, offset + 1)

    def _tell_speakers(self, said: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        self._transport.attempt("POST", f"{self._path}/speakers", body=said, headers=_TUS | headers)
        self._patience.renew()

    def _part(self, offset: int, end: int) -> Iterator[bytes]:
        at = offset
        for block in self._file.blocks(offset, end, self._limit.block_bytes if self._limit else BLOCK_BYTES):
            if self._limit:
                self._limit.take(len(block))
            yield block
            at += len(block)
            self._tell("sending", at)

    def _said_offset(self, answer: Answer, at_least: int) -> int:
        said = answer.headers.get("Upload-Offset", "")
        offset = int(said) if said.isascii() and said.isdecimal() else -1
        if not at_least <= offset <= self._file.size_bytes:
            raise UnexpectedAnswer(f"the server stands at {said or 'no offset'}, which can't be")
        return offset

    def _stand_at(self, offset: int) -> None:
        if offset > self._durable_bytes:
            self._patience.renew()
            self._in_vain = 0
        self._offset = self._durable_bytes = offset
        self._tell("sending", offset)

    def _wait(self, failure: PassingFailure) -> None:
        self._offset = None
        self._patience.wait(
            failure,
            lambda pause_s: self._tell("waiting", self._durable_bytes, f"{failure}; next try in {pause_s:.1f} s"),
        )

    def _tell(self, state: State, at_bytes: int, detail: str = "") -> None:
        self._progress(UploadProgress(state, at_bytes, self._durable_bytes, self._file.size_bytes, detail))
