"""A transcribe service on 127.0.0.1, with meetings in memory that a test writes down word by word: what the page is looked at with."""

import io
from collections.abc import Sequence
from dataclasses import replace
from threading import Thread
from typing import Self

import msgspec
import numpy as np
import soundfile
from werkzeug.serving import WSGIRequestHandler, make_server

from common.clock import SystemClock
from common.object_names import ConnectionObjects
from common.ports.meeting_store import Meeting
from common.ports.stream_registry import Gap, StreamRecord, StreamSummary
from common.ports.transcript_store import SegmentTranscript, Word
from ingest_service.http.recorder_routes import recorder_routes
from tests.transcribe_service.fakes import API_TOKEN, World
from transcribe_service.app import create_app

EPOCH_MS = 1_750_000_000_000
TENANT = "default"
WORD_MS = 320
PADDING_MS = 200
RATE_HZ = 16_000
Said = tuple[str | None, str]
"""Who, and what."""


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Nothing is worth saying."""


class Site:
    """The service, and what is in it. Use as a context manager."""

    token = API_TOKEN

    def __init__(self, ingest_url: str = "") -> None:
        self.world = World()
        deps = self.world.deps()
        settings = msgspec.structs.replace(deps.settings, ingest_public_url=ingest_url)
        self.deps = replace(deps, clock=SystemClock(), settings=settings)
        app = create_app(self.deps)
        app.register_blueprint(recorder_routes())  # ingest is under the same address, as in the local runner
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        self._server.daemon_threads = True  # live readers stay until their browser goes
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.world.drain.start()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def signed_in(self, place: str = "/") -> str:
        """The address of a place of the page, with a token handed over."""
        path, _, fragment = place.partition("#")
        return f"{self.url}{path}#token={self.token}" + (f"&{fragment}" if fragment else "")

    def meeting(self, meeting_id: str, title: str = "", *, opened_at_ms: int = EPOCH_MS) -> None:
        """A meeting with one open stream, of the same name."""
        self.world.meetings.open(TENANT, meeting_id, opened_at_ms)
        self.world.meetings.change(TENANT, meeting_id, lambda found: msgspec.structs.replace(found, title=title))
        self.world.streams.open(
            StreamRecord(
                tenant=TENANT, meeting_id=meeting_id, connection_id=f"{meeting_id}-c", opened_at_ms=opened_at_ms
            )
        )

    def stored(self, meeting_id: str) -> Meeting:
        found = self.world.meetings.get(TENANT, meeting_id)
        assert found is not None
        return found

    def say(
        self,
        meeting_id: str,
        start_ms: int,
        said: Sequence[Said],
        *,
        revision: int = 1,
        final: bool = True,
        firm: int = 0,
    ) -> int:
        """Store a segment: each word takes WORD_MS. Of a provisional one the first `firm` words are confirmed. Returns its end."""
        spoken = [(speaker, word) for speaker, text in said for word in text.split(" ")]
        words = tuple(
            Word(word, start_ms + at * WORD_MS, start_ms + (at + 1) * WORD_MS - 40, 0.9, speaker, final or at < firm)
            for at, (speaker, word) in enumerate(spoken)
        )
        end_ms = start_ms + len(words) * WORD_MS
        connection_id = f"{meeting_id}-c"
        if final:
            name = ConnectionObjects(TENANT, connection_id).final_segment(0, start_ms)
            self.world.blobs.create(name, sound(end_ms - start_ms))
        self.world.transcripts.put(
            SegmentTranscript(
                tenant=TENANT,
                meeting_id=meeting_id,
                connection_id=connection_id,
                segment_id=f"{connection_id}:0:{start_ms}",
                channel=0,
                revision=revision,
                final=final,
                start_ms=start_ms,
                end_ms=end_ms,
                epoch_offset_ms=EPOCH_MS,
                language="en",
                words=words,
            )
        )
        return end_ms

    def end(self, meeting_id: str, segments: int, *, audio_ms: int = 60_000, gaps: tuple[Gap, ...] = ()) -> None:
        """Close the meeting's stream, after so many final segments."""
        summary = StreamSummary(
            closed_at_ms=EPOCH_MS + audio_ms,
            chunks=audio_ms // 3000,
            audio_ms=audio_ms,
            segments=segments,
            segment_ms=audio_ms,
            silence_skipped_ms=0,
            gaps=gaps,
        )
        self.world.streams.close(TENANT, f"{meeting_id}-c", summary)


def sound(length_ms: int) -> bytes:
    """A tone of that length as FLAC, with the silence around it that segments have."""
    padding = np.zeros(PADDING_MS * RATE_HZ // 1000, np.float32)
    tone = 0.2 * np.sin(np.arange(length_ms * RATE_HZ // 1000) * (2 * np.pi * 440 / RATE_HZ)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, np.concatenate((padding, tone, padding)), RATE_HZ, format="FLAC")
    return file.getvalue()


CONVERSATION: Sequence[Sequence[Said]] = (
    (("Mara Lindqvist", "Good morning, and thank you for coming. We have three things to decide today."),),
    (
        ("Mara Lindqvist", "The first is the date of the release."),
        ("Teo Brandt", "The tests of last night were green, on all three versions."),
    ),
    (
        (
            "Ines Okafor",
            "I would still like to see one full rehearsal with the new storage before we say a date to anybody.",
        ),
    ),
    (("Teo Brandt", "How long would that take?"), ("Ines Okafor", "Two days, if the accounts are there by Wednesday.")),
    ((None, "They are there already, I asked this morning."),),
    (("Mara Lindqvist", "Then let us say Friday the week after next, and write it down when the rehearsal is done."),),
    (("Ravi", "Can I say something about the second point? The export is finished, and it writes captions too."),),
    (
        ("Teo Brandt", "Wonderful."),
        ("Ines Okafor", "Does it keep the names that we gave to the speakers?"),
        ("Ravi", "It does."),
    ),
)


def seed_conversation(site: Site, meeting_id: str, title: str) -> int:
    """Four speakers and somebody whom nobody knows; with a pause after each segment. Returns where it ends."""
    site.meeting(meeting_id, title)
    at_ms = 1_200
    for said in CONVERSATION:
        at_ms = site.say(meeting_id, at_ms, said) + 700
    return at_ms
