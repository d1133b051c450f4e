"""What the HTTP server around a service reads. `common.gunicorn_conf` turns it into gunicorn's configuration."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from common.settings import Settings

MAX_REQUEST_LINE_BYTES: Final = 8_190
"""The most that gunicorn takes: speakers' names in a query are long once they are percent-encoded."""


class ServerSettings(Settings, frozen=True, kw_only=True):
    """Processes and threads of one instance. Needs nothing set."""

    REQUIRED: ClassVar[tuple[str, ...]] = ()

    web_concurrency: Annotated[
        int, Meta(ge=1, le=64, description="Worker processes of one instance: one for each vCPU.")
    ] = 1
    gunicorn_threads: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000,
            description=(
                "Requests that one worker process answers at a time. Cloud Run's concurrency is some less × WEB_CONCURRENCY: its health "
                "checks need a thread too. Of ingest's, "
                "each WebSocket and each waiting transcription holds one, and at most half are given to them: for N live streams per "
                "process set 2 × N. Of transcribe's, each reader of a live meeting holds one: for N of them set N + 8. They are started when "
                "they are first needed."
            ),
        ),
    ] = 8
