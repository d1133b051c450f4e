"""From the environment to a running application. The only place that builds the engine."""

import logging
import os

from flask import Flask

from common.startup import started
from whisper_service.app import WhisperDeps, create_app
from whisper_service.engine import WhisperEngine
from whisper_service.model_location import locate
from whisper_service.settings import WhisperSettings


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker. The model loads while health answers."""
    start = started("whisper", WhisperSettings, os.environ)
    settings = start.settings
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it tells of each request at INFO, as we do
    engine = WhisperEngine(
        locate(settings.whisper_model),
        workers=settings.whisper_workers,
        beam_size=settings.whisper_beam_size,
        clock=start.clock,
        device=settings.whisper_device,
        compute_type=settings.whisper_compute_type,
    )
    engine.load_in_background()
    return create_app(WhisperDeps(settings=settings, engine=engine, clock=start.clock, drain=start.drain))
