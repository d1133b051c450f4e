"""From the environment to a running application. The only place that builds the engine."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Final

from flask import Flask

from common import logs
from common.clock import SystemClock
from common.health import Drain
from common.settings import SettingsError, as_logged, load
from whisper_service.app import WhisperDeps, create_app
from whisper_service.engine import WhisperEngine
from whisper_service.model_location import locate
from whisper_service.settings import WhisperSettings

EX_CONFIG: Final = 78
"""sysexits: something in the configuration is wrong."""

log = logs.get_logger(__name__)


def settings_from(environ: Mapping[str, str]) -> WhisperSettings:
    """The settings, or one line on standard error for each that is wrong and `SystemExit`."""
    try:
        return load(WhisperSettings, environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EX_CONFIG) from error


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker. The model loads while health answers."""
    settings = settings_from(os.environ)
    logs.configure("whisper", settings.log_level)
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it tells of each request at INFO, as we do
    log.info("starting", **as_logged(settings))
    clock = SystemClock()
    engine = WhisperEngine(
        locate(settings.whisper_model),
        workers=settings.whisper_workers,
        beam_size=settings.whisper_beam_size,
        clock=clock,
    )
    drain = Drain()
    drain_on_sigterm(drain)
    engine.load_in_background()
    return create_app(WhisperDeps(settings=settings, engine=engine, clock=clock, drain=drain))


def drain_on_sigterm(drain: Drain) -> None:
    """Readiness says no as soon as SIGTERM comes; the server's own handler then lets requests end."""
    server_s_own = signal.getsignal(signal.SIGTERM)

    def begin(number: int, frame: FrameType | None) -> None:
        drain.start()
        if callable(server_s_own):
            server_s_own(number, frame)

    signal.signal(signal.SIGTERM, begin)
