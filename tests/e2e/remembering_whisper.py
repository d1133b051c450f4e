"""The real Whisper behind a memory: what it said of some audio once, it is not asked for again in the same test run.

The same conversation goes through many installations, and the same audio always gives the same words
(`test_the_same_audio_gives_the_same_words_however_many_run_beside_it`); only Whisper's time is saved. It is started when first needed.
"""

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import urllib3

from bench.whisper_stand_in import WhisperStandIn
from local_cloud.processes import Child, free_port
from local_cloud.services import whisper_command, whisper_environ
from tests.transcribe_service.whisper.whisper_server import multipart_fields

READY_S: Final = 120.0


class RememberingWhisper(WhisperStandIn):
    """See `WhisperStandIn`. `folder` may be shared by processes that run tests side by side."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        port = free_port()
        self._whisper = Child(
            "whisper",
            whisper_command(),
            port=port,
            log_path=folder / f"whisper-{port}.log",
            environ=whisper_environ(environ, port),
        )
        self._needed, self._ready, self._over = threading.Event(), threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="whisper's keeper", daemon=True)
        self._pool = urllib3.PoolManager(retries=False)

    def __enter__(self) -> Self:
        self._keeper.start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._over.set()
        self._needed.set()
        self._keeper.join()
        self._pool.clear()

    def answer(self, path: str, content_type: str, form: bytes) -> tuple[int, bytes]:
        """See the base class. Only transcriptions are remembered, by all that was asked."""
        asked = hashlib.sha256(repr((path, sorted(multipart_fields(content_type, form).items()))).encode()).hexdigest()
        known = self._folder / asked
        if known.exists():
            return 200, known.read_bytes()
        answer = self._pool.request(
            "POST", self._started() + path, body=form, headers={"Content-Type": content_type}, timeout=READY_S
        )
        if answer.status == 200:
            unfinished = known.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            unfinished.write_bytes(answer.data)
            unfinished.replace(known)
        return answer.status, answer.data

    def _started(self) -> str:
        self._needed.set()
        assert self._ready.wait(READY_S), f"Whisper did not start; see {self._whisper.log_path}"
        return f"http://127.0.0.1:{self._whisper.port}"

    def _keep(self) -> None:
        """Processes end with the thread that started them, so it is one that stays."""
        self._needed.wait()
        if self._over.is_set():
            return
        self._whisper.start()
        try:
            self._whisper.wait_until_listening(READY_S)
            self._ready.set()
            self._over.wait()
        finally:
            self._whisper.kill()
