"""What the services of the pipeline read besides `common.settings`: where they may run, and how they know who pushes to them."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from common.settings import Settings


class PipelineSettings(Settings, frozen=True, kw_only=True):
    """Settings of ingest, segmenter and transcribe."""

    token_cache_sec: Annotated[
        float,
        Meta(
            gt=0,
            le=3_600,
            description=(
                "How long an answer of the token store counts in ingest and transcribe: at most so long, a disabled token is still let in."
            ),
        ),
    ] = 30.0

    def problems(self) -> Iterator[str]:
        """On Cloud Run nothing may lie on the instance's own disk."""
        yield from super().problems()
        if self.k_service and not self.gcs_bucket:
            yield "GCS_BUCKET: must be set on Cloud Run, where files on the instance's disk do not outlive it"


class PushedSettings(PipelineSettings, frozen=True, kw_only=True):
    """How pushes prove where they come from."""

    push_auth: Annotated[
        Literal["", "token", "oidc", "none"],
        Meta(
            description=(
                "How a push proves where it comes from: `token` (PUSH_TOKEN, which the embedded queue sends), `oidc` (the token that "
                "Pub/Sub and Cloud Scheduler sign) or `none` (the emulator, which proves nothing). On Cloud Run only `oidc`. "
                "Empty: `oidc` with GCS_BUCKET, `token` without; in ingest, where PUSH_TOKEN, PUSH_AUDIENCE and PUSH_SERVICE_ACCOUNTS are "
                "empty too, nobody may push."
            )
        ),
    ] = ""
    push_audience: Annotated[
        str, Meta(description="Audience that pushes are signed for: the base URL of this service. PUSH_AUTH=oidc only.")
    ] = ""
    push_service_accounts: Annotated[
        str,
        Meta(
            description="E-mail addresses of the service accounts that may push, separated by commas. PUSH_AUTH=oidc only."
        ),
    ] = ""
    push_signature: Annotated[
        Literal["application", "cloud_run"],
        Meta(
            description=(
                "Who checks the signature of a push's token. `cloud_run`: Cloud Run, which then takes it off; only for a service that "
                "not everybody may invoke. `application`: this service. PUSH_AUTH=oidc only."
            )
        ),
    ] = "application"
    oidc_certs_url: Annotated[
        str,
        Meta(
            pattern="^https?://[^/]",
            description="Where the certificates of the tokens' issuer are. PUSH_AUTH=oidc only.",
        ),
    ] = "https://www.googleapis.com/oauth2/v1/certs"

    @property
    def push_proof(self) -> Literal["token", "oidc", "none", "refused"]:
        """PUSH_AUTH, decided where it is empty. `refused`: nobody may push, which only a service says that can do without."""
        return self.push_auth or ("oidc" if self.gcs_bucket else "token")

    @property
    def push_accounts(self) -> frozenset[str]:
        """PUSH_SERVICE_ACCOUNTS as a set."""
        return frozenset(account.strip() for account in self.push_service_accounts.split(",") if account.strip())

    def problems(self) -> Iterator[str]:
        """Nobody may push without proof, and each kind of proof needs what it is compared with."""
        yield from super().problems()
        if self.k_service and self.push_proof not in {"oidc", "refused"}:
            yield f"PUSH_AUTH: must be oidc on Cloud Run, not {self.push_proof}: anybody could push"
        if self.push_signature == "cloud_run" and not self.k_service:
            yield "PUSH_SIGNATURE: cloud_run is for Cloud Run; elsewhere nobody checks signatures but this service"
        match self.push_proof:
            case "token" if not self.push_token:
                yield "PUSH_TOKEN: must be set, unless PUSH_AUTH says otherwise"
            case "oidc":
                if not self.push_audience:
                    yield "PUSH_AUDIENCE: must be set with PUSH_AUTH=oidc"
                if not self.push_accounts:
                    yield "PUSH_SERVICE_ACCOUNTS: must be set with PUSH_AUTH=oidc"
            case _:
                pass
