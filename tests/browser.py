"""A real Chromium whose microphone hears a file, and pages for it to show. For tests marked `component("chromium")`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self

from playwright.sync_api import BrowserContext, sync_playwright

ARGUMENTS = (
    "--no-sandbox",  # which root has none of
    "--use-fake-ui-for-media-stream",  # allows the microphone
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
PATIENCE_MS = 60_000


@contextmanager
def chromium(profile: Path, hears: Path | None = None) -> Iterator[BrowserContext]:
    """The browser, with an empty profile at `profile`. Each time that a page opens the microphone, it hears the WAV file once, then silence."""
    arguments = list(ARGUMENTS)
    if hears is not None:
        arguments.append(f"--use-file-for-fake-audio-capture={hears}%noloop")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=shutil.which("chromium"), headless=True, args=arguments
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield context
        finally:
            context.close()


class Pages:
    """One web page, at every path of an origin of its own on 127.0.0.1. Use as a context manager."""

    def __init__(self, html: str = "") -> None:
        self.html = html
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pages.html.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
                """Nothing is worth saying."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True  # browsers open connections that they may never use
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
