from collections.abc import Callable

import pytest

from common.events import StreamOptions
from ingest_service.intake.connection_limits import ConnectionLimits
from ingest_service.intake.intake import Intake, KnownConnections
from ingest_service.intake.requests import Stream
from ingest_service.websocket.session import Session
from tests.ingest_service.fakes import Ingest

MAX_CHUNK_BYTES = 1_000


def new_session(ingest: Ingest, *, connection: str = "c1", meeting: str = "m1") -> Session:
    """What a process that was just started makes of a WebSocket."""
    return Session(
        Intake(ingest.blobs, ingest.publisher, "raw", KnownConnections(), ingest.clock, ConnectionLimits()),
        Stream("default", connection, meeting),
        StreamOptions(content_type="audio/webm"),
        max_chunk_bytes=MAX_CHUNK_BYTES,
        recommended_chunk_ms=3_000,
    )


@pytest.fixture
def session(ingest: Ingest) -> Session:
    return new_session(ingest)


@pytest.fixture
def reconnect(ingest: Ingest) -> Callable[..., Session]:
    return lambda **of: new_session(ingest, **of)
