"""A Whisper stand-in that answers at once, counts the audio that it gets, and says as many words as people do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

WORDS_A_SECOND: Final = 2.5
"""150 a minute: what documents, events and log lines have to carry."""
SAMPLE_RATE: Final = 16_000


class CountingWhisper:
    """On a free port of 127.0.0.1. Use as a context manager. `calls` and `audio_s` are what it got."""

    def __init__(self) -> None:
        self.calls = 0
        self.audio_s = 0.0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _heard(self, audio_s: float) -> None:
        with self._lock:
            self.calls += 1
            self.audio_s += audio_s

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        heard = self._heard

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                audio_s = flac_seconds(self.rfile.read(int(self.headers["Content-Length"])))
                heard(audio_s)
                body = json.dumps(answer(audio_s)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        return Handler


def flac_seconds(body: bytes) -> float:
    """Length of the FLAC stream that lies somewhere in `body`, as its header says it. Pure. Raises `ValueError` where there is none."""
    at = body.index(b"fLaC")
    header = body[at + 8 : at + 8 + 34]  # STREAMINFO: behind the marker and four bytes of block header
    rate_to_samples = int.from_bytes(header[10:18], "big")
    rate, samples = rate_to_samples >> 44, rate_to_samples & (2**36 - 1)
    if not rate or not samples:
        raise ValueError("the FLAC header does not say how long it is")
    return samples / rate


def answer(audio_s: float) -> dict[str, Any]:
    """Words over all of the audio but its padding, in Whisper's `verbose_json`. Pure."""
    words = list(_words(audio_s))
    text = "".join(word["word"] for word in words)
    span = {"id": 0, "seek": 0, "start": 0.2, "end": max(0.3, audio_s - 0.2), "text": text, "tokens": []}
    certainty = {"temperature": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.2, "no_speech_prob": 0.01}
    return {
        "task": "transcribe",
        "language": "en",
        "duration": audio_s,
        "text": text,
        "segments": [span | certainty],
        "words": words,
    }


def _words(audio_s: float) -> Iterator[dict[str, Any]]:
    each_s = 1 / WORDS_A_SECOND
    for number in range(max(1, round((audio_s - 0.4) * WORDS_A_SECOND))):
        start_s = 0.2 + number * each_s
        word = f" {_SYLLABLES[number % 7]}{_SYLLABLES[number // 7 % 7]}{_SYLLABLES[number * 3 % 7]}"
        yield {"word": word, "start": round(start_s, 2), "end": round(start_s + each_s * 0.9, 2), "probability": 0.9}


_SYLLABLES: Final = ("ta", "le", "mi", "ros", "ven", "du", "ka")
