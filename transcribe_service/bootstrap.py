"""Composition root: settings to adapters to application. Gunicorn runs `transcribe_service.bootstrap:application()`."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from flask import Flask

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.auth import SingleToken
from common.clock import Clock, SystemClock
from common.health import Drain
from common.logs import configure, get_logger
from common.push import SharedTokenAuth
from common.settings import SettingsError, as_logged, load
from transcribe_service.app import TranscribeDeps, create_app
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.openai_dialect import OpenAiDialect, WhisperLimits

EXIT_CONFIG = 78
"""sysexits.h: something in the configuration is wrong."""


def application() -> Flask:
    """The service on embedded adapters, configured by the environment. Exits with status 78 when settings are wrong."""
    try:
        settings = load(TranscribeSettings, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_CONFIG) from error
    configure("transcribe", settings.log_level)
    get_logger(__name__).info("settings", **as_logged(settings))
    drain = Drain()
    drain_on_sigterm(drain)
    clock = SystemClock()
    data_dir = Path(settings.data_dir)
    return create_app(
        TranscribeDeps(
            settings=settings,
            blobs=FileBlobStore(data_dir / "objects"),
            publisher=QueuePublisher(SqliteQueue(data_dir / "queue.db", clock), "/turnscribe/transcribe", clock),
            transcripts=SqliteTranscriptStore(data_dir / "transcripts.db"),
            streams=SqliteStreamRegistry(data_dir / "streams.db"),
            whisper=whisper_client(settings, clock),
            tokens=SingleToken(settings.api_token),
            push_auth=SharedTokenAuth(settings.push_token),
            clock=clock,
            drain=drain,
        )
    )


def whisper_client(settings: TranscribeSettings, clock: Clock) -> OpenAiDialect:
    """The client of the Whisper server that the settings name."""
    return OpenAiDialect(
        settings.whisper_service_url,
        model=settings.whisper_model_name,
        token=settings.whisper_api_token,
        limits=WhisperLimits(
            timeout_s=settings.whisper_timeout_sec,
            budget_s=settings.whisper_budget_sec,
            connections=settings.processing_threads,
        ),
        clock=clock,
    )


def drain_on_sigterm(drain: Drain) -> None:
    """Say "not ready" first, then let the server finish what it has in hand."""
    previous = signal.getsignal(signal.SIGTERM)

    def begin(number: int, frame: FrameType | None) -> None:
        drain.start()
        if callable(previous):
            previous(number, frame)
        elif previous is signal.SIG_DFL:
            raise SystemExit(0)

    signal.signal(signal.SIGTERM, begin)
