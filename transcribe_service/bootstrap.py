"""From the environment to a running transcribe service. The only place that builds its adapters."""

import os

from flask import Flask

from common.adapters.backend import backend_of
from common.clock import Clock
from common.push_auth import push_auth_of
from common.server_settings import ServerSettings
from common.startup import settings_or_exit, started
from common.stored_tokens import stored_tokens
from transcribe_service.app import TranscribeDeps, create_app
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.calls import WhisperCalls, WhisperLimits
from transcribe_service.whisper.circuit import Circuit
from transcribe_service.whisper.credentials import BearerToken, Credentials
from transcribe_service.whisper.openai_dialect import OpenAiDialect
from transcribe_service.whisper.plain_dialect import PlainDialect

SOURCE = "/turnscribe/transcribe"


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker."""
    start = started("transcribe", TranscribeSettings, os.environ)
    settings, clock = start.settings, start.clock
    backend = backend_of(settings, SOURCE, clock)
    return create_app(
        TranscribeDeps(
            settings=settings,
            blobs=backend.blobs(),
            publisher=backend.publisher(),
            transcripts=backend.transcripts(),
            streams=backend.streams(),
            meetings=backend.meetings(),
            webhooks=backend.webhooks(),
            deliveries=backend.deliveries(),
            works=backend.works(),
            whisper=None if settings.transcribe_role == "api" else whisper_client(settings, clock),
            tokens=stored_tokens(settings, backend.tokens(), clock),
            push_auth=push_auth_of(settings, clock),
            clock=clock,
            drain=start.drain,
            threads=settings_or_exit(ServerSettings, os.environ).gunicorn_threads,
        )
    )


def whisper_client(settings: TranscribeSettings, clock: Clock) -> OpenAiDialect | PlainDialect:
    """The client of the Whisper server that the settings name."""
    calls = WhisperCalls(
        _whisper_credentials(settings),
        WhisperLimits(
            timeout_s=settings.whisper_timeout_sec,
            budget_s=settings.whisper_budget_sec,
            connections=settings.processing_threads,
        ),
        Circuit(failures=settings.whisper_circuit_failures, open_s=settings.whisper_circuit_sec, clock=clock),
        clock,
    )
    if settings.whisper_dialect == "plain":
        return PlainDialect(settings.whisper_service_url, calls=calls)
    return OpenAiDialect(settings.whisper_service_url, model=settings.whisper_model_name, calls=calls)


def _whisper_credentials(settings: TranscribeSettings) -> Credentials:
    if settings.whisper_auth == "token":
        return BearerToken(settings.whisper_api_token)
    # Google's libraries are no part of a process that needs none of them.
    from transcribe_service.whisper.google_id_token import GoogleIdToken, audience_of

    return GoogleIdToken(settings.whisper_audience or audience_of(settings.whisper_service_url))
