"""What all ways in share: the installation, patience, and a request that is repeated until it is answered with success."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import urllib3

from tests.chaos.pipeline.accepted import AcceptedStream
from tests.chaos.pipeline.installation import Installation
from tests.chaos.pipeline.recordings import Piece
from tests.chaos.pipeline.streams import START_MS, PlannedStream
from turnscribe.demo.speakers import interval_windows
from turnscribe.transport import RetryPolicy

PASSING: Final = frozenset({408, 423, 425, 429, 500, 502, 503, 504})
TIMEOUT_S: Final = 10.0
PAUSE_S: Final = 0.2
WINDOW_MS: Final = 1_000


class GivenUp(Exception):
    """The server refused for good, or nothing was answered for as long as an uploader tries."""


@dataclass
class Upload:
    """One stream on its way."""

    installation: Installation
    planned: PlannedStream
    run: str
    pace_s: float
    """Between two chunks."""
    deadline_s: float
    """On the monotonic clock: no request is repeated after this."""
    began: threading.Event
    """Set once a first chunk is accepted."""
    may_begin: threading.Event | None
    accepted: AcceptedStream = field(init=False)

    def __post_init__(self) -> None:
        planned, run = self.planned, self.run
        self.accepted = AcceptedStream(planned, planned.meeting_id(run), planned.connection_id(run))

    @property
    def left_s(self) -> float:
        return max(0.1, self.deadline_s - time.monotonic())

    @property
    def retry(self) -> RetryPolicy:
        """For the SDK, which repeats by itself."""
        return RetryPolicy(give_up_after_s=self.left_s, first_pause_s=PAUSE_S, longest_pause_s=1.0)

    def pieces(self) -> Iterator[tuple[int, Piece]]:
        """The chunks that come, with their numbers, at the pace of the recorder."""
        for seq, piece in enumerate(self.planned.recording.pieces):
            if seq:
                time.sleep(self.pace_s)
            if seq not in self.planned.recording.lost:
                yield seq, piece

    def observations(self) -> list[tuple[int, bytes]]:
        """`(at_ms, JSON)` of everything that is said about speakers; `at_ms` is the stream time at which it is known."""
        recording = self.planned.recording
        if self.planned.speakers == "masks":
            said = [
                (window.end_ms, {"ts_ms": START_MS + window.end_ms, "masks": window.masks})
                for window in recording.windows
            ]
        elif self.planned.speakers == "intervals":
            windows = interval_windows(recording.truth, recording.duration_ms or 0, window_ms=WINDOW_MS)
            said = [
                (
                    window.end_ms,
                    {
                        "clock": "stream",
                        "covered_from_ms": window.start_ms,
                        "covered_to_ms": window.end_ms,
                        "intervals": [
                            {"speaker": each.speaker, "start_ms": each.start_ms, "end_ms": each.end_ms}
                            for each in window.intervals
                        ],
                    },
                )
                for window in windows
            ]
        else:
            said = []
        return [(at_ms, json.dumps(body).encode()) for at_ms, body in said]

    def accept_chunk(self, seq: int, data: bytes) -> None:
        """Note that a chunk was answered with success."""
        self.accepted.chunks[seq] = data
        self.began.set()


class Requests:
    """One uploader's requests to ingest."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._pool = urllib3.PoolManager(maxsize=1, retries=False, timeout=TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {upload.installation.api_token}"}

    def insist(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        not_yet: frozenset[int] = frozenset(),
    ) -> Any:
        """Repeat until it is answered 2xx; returns the JSON. `not_yet` are statuses that pass too. Raises `GivenUp`."""
        while True:
            try:
                answer = self._sent(method, path, query, body, headers)
                if 200 <= answer.status < 300:
                    return json.loads(answer.data)
            except (
                urllib3.exceptions.HTTPError,
                json.JSONDecodeError,
            ) as error:  # one that is cut in its head has no body
                why = type(error).__name__
            else:
                why = f"{answer.status} {answer.data[:300].decode(errors='replace')}"
                if answer.status not in PASSING | not_yet:
                    raise GivenUp(f"{method} {path} is refused: {why}")
            if time.monotonic() >= self._upload.deadline_s:
                raise GivenUp(f"{method} {path}: {why}, until the end")
            time.sleep(PAUSE_S)

    def once(self, method: str, path: str) -> Any:
        """The JSON of one answer 200; None where there is none such just now."""
        try:
            answer = self._sent(method, path, None, None, None)
            return json.loads(answer.data) if answer.status == 200 else None
        except (urllib3.exceptions.HTTPError, json.JSONDecodeError):
            return None

    def _sent(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> urllib3.BaseHTTPResponse:
        url = self._upload.installation.ingest_url + path + (f"?{urlencode(query)}" if query else "")
        return self._pool.request(method, url, body=body, headers={**self._headers, **(headers or {})})

    def close(self) -> None:
        self._pool.clear()


@contextmanager
def requests(upload: Upload) -> Iterator[Requests]:
    """Requests whose connections are closed in the end."""
    made = Requests(upload)
    try:
        yield made
    finally:
        made.close()
