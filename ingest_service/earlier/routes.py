"""All routes of the earlier system."""

from collections.abc import Iterator

from flask import Blueprint

from common.auth import TokenVerifier
from common.health import Drain
from common.ports.token_store import TokenStore
from ingest_service.earlier.audio_stream_routes import audio_stream_routes
from ingest_service.earlier.extension_routes import extension_routes, token_check_route
from ingest_service.earlier.patience import Patience
from ingest_service.earlier.user_routes import user_routes
from ingest_service.http.limits import TenantLimits
from ingest_service.http.places import Places
from ingest_service.intake.intake import Intake
from ingest_service.settings import IngestSettings


def earlier_routes(
    intake: Intake,
    settings: IngestSettings,
    tokens: TokenVerifier,
    token_store: TokenStore,
    limits: TenantLimits,
    drain: Drain,
    places: Places,
) -> Iterator[Blueprint]:
    """The blueprints below `/api`."""
    patience = Patience(intake.clock, drain, places)
    yield extension_routes(intake, settings, tokens, limits, patience)
    yield token_check_route(tokens, patience)
    yield user_routes(token_store, tokens, limits, intake.clock)
    yield audio_stream_routes(intake, settings, tokens, limits, patience)
