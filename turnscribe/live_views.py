"""What `turnscribe stream` says while it runs: how much is durable, and what was said. Opens and sends nothing itself."""

import threading
import time
from collections.abc import Callable
from typing import Final, TextIO

from turnscribe.client import Client
from turnscribe.demo.views import PlainView, Progress
from turnscribe.errors import NotFound, ServerUnreachable, TurnscribeClientError
from turnscribe.live_worker import LiveProgress
from turnscribe.transcript_files import NotTranscribed, is_transcribed

TELL_EVERY_S: Final = 1.0
LOOK_EVERY_S: Final = 1.0
_UNKNOWN: Final = Progress(0, 0, None)


def durable(progress: LiveProgress) -> str:
    """Such as `12 chunks, 34.5 kB durable`. Pure."""
    said = f"{progress.durable_chunks} chunks, {progress.durable_bytes / 1000:,.1f} kB durable"
    return f"{said}, {progress.waiting_bytes / 1000:,.1f} kB waiting" if progress.waiting_bytes else said


class DurableLine:
    """One line that says what is durable: rewritten in a terminal, else written only where the stream has to wait. Thread-safe."""

    def __init__(self, out: TextIO, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._monotonic_s = monotonic_s
        self._told_s = float("-inf")
        self._lock = threading.Lock()
        self._is_waiting = False

    def tell(self, progress: LiveProgress) -> None:
        """What there is now."""
        with self._lock:
            if progress.state == "waiting":
                self._say(f"{progress.detail} ({durable(progress)})", stays=True)
            elif self._is_waiting:
                self._say(f"connected again ({durable(progress)})", stays=True)
            elif self._out.isatty() and self._monotonic_s() - self._told_s >= TELL_EVERY_S:
                self._told_s = self._monotonic_s()
                self._say(durable(progress), stays=False)
            self._is_waiting = progress.state == "waiting"

    def end(self, said: str) -> None:
        """The last word."""
        with self._lock:
            self._say(said, stays=True)

    def _say(self, text: str, *, stays: bool) -> None:
        before = "\r\x1b[K" if self._out.isatty() else ""
        self._out.write(f"{before}turnscribe: {text}" + ("\n" if stays else ""))
        self._out.flush()


class FinalLines:
    """Prints each utterance of a meeting once, when it is final. `client` tries once: the next look comes soon."""

    def __init__(self, client: Client, meeting_id: str, connection_id: str, out: TextIO) -> None:
        self._client = client
        self._meeting_id = meeting_id
        self._connection_id = connection_id
        self._view = PlainView(out)
        self._finals = -1
        self._is_complete = False
        self._failure: TurnscribeClientError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="transcript", daemon=True)

    def start(self) -> None:
        """Print from now on, in a thread."""
        self._thread.start()

    def finish(
        self,
        timeout_s: float,
        sleep: Callable[[float], None] = time.sleep,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Print what is still to come. Raises `NotTranscribed` when nothing has changed for `timeout_s`, or the server's refusal."""
        self.stop()
        if self._failure is not None:
            raise self._failure
        changed_s = monotonic_s()
        while not self._is_complete:
            if self._look():
                changed_s = monotonic_s()
            elif monotonic_s() - changed_s >= timeout_s:
                raise NotTranscribed(
                    f"not transcribed after {timeout_s:g} s without any change; it may get ready later"
                )
            else:
                sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """Print nothing more from the thread."""
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            try:
                self._look()
            except TurnscribeClientError as error:
                self._failure = error  # the stream goes on all the same
                return

    def _look(self) -> bool:
        """Whether there is more than at the last look."""
        try:
            transcript = self._client.transcript(self._meeting_id)
        except (NotFound, ServerUnreachable):
            return False  # nothing is known of the meeting yet, or a break that will pass
        self._view.update(transcript, _UNKNOWN)
        self._is_complete = is_transcribed(transcript, {self._connection_id})
        before, self._finals = self._finals, sum(utterance.final for utterance in transcript.utterances)
        return self._finals != before or self._is_complete
