"""What the three services of the pipeline read besides `common.settings`: how they know who pushes to them."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from common.settings import Settings


class PipelineSettings(Settings, frozen=True, kw_only=True):
    """Settings of ingest, segmenter and transcribe."""

    push_auth: Annotated[
        Literal["token", "oidc", "none"],
        Meta(
            description=(
                "How a push proves where it comes from: `token` (PUSH_TOKEN, which the embedded queue sends), `oidc` (the token that "
                "Pub/Sub and Cloud Scheduler sign) or `none` (the emulator, which proves nothing; never on Cloud Run)."
            )
        ),
    ] = "token"
    push_audience: Annotated[
        str, Meta(description="Audience that pushes are signed for: the base URL of this service. PUSH_AUTH=oidc only.")
    ] = ""
    push_service_accounts: Annotated[
        str,
        Meta(
            description="E-mail addresses of the service accounts that may push, separated by commas. PUSH_AUTH=oidc only."
        ),
    ] = ""
    oidc_certs_url: Annotated[
        str,
        Meta(
            pattern="^https?://[^/]",
            description="Where the certificates of the token's issuer are. PUSH_AUTH=oidc only.",
        ),
    ] = "https://www.googleapis.com/oauth2/v1/certs"

    def problems(self) -> Iterator[str]:
        """On Cloud Run nothing may lie on the instance's own disk, and nobody may push without proof."""
        yield from super().problems()
        if self.k_service and not self.gcs_bucket:
            yield "GCS_BUCKET: must be set on Cloud Run, where files on the instance's disk do not outlive it"
