"""Who may push: the kinds of proof that PUSH_AUTH names."""

from flask import Request

from common.clock import Clock
from common.pipeline_settings import PushedSettings
from common.push import PushAuth, SharedTokenAuth


class NoAuth:
    """Anybody may push: for emulators on this machine, which prove nothing. Refused on Cloud Run by the settings."""

    def allows(self, req: Request) -> bool:  # noqa: ARG002 -- the protocol's
        """Always."""
        return True


class Nobody:
    """Nobody may push: where nothing was said about who may."""

    def allows(self, req: Request) -> bool:  # noqa: ARG002 -- the protocol's
        """Never."""
        return False


def push_auth_of(settings: PushedSettings, clock: Clock) -> PushAuth:
    """What the settings ask for."""
    match settings.push_proof:
        case "oidc":
            # Google's libraries are no part of a process that stands on embedded adapters.
            from common.oidc import OidcAuth
            from common.oidc_certificates import Certificates

            return OidcAuth(
                settings.push_audience,
                settings.push_accounts,
                Certificates(settings.oidc_certs_url, clock),
                clock,
                cloud_run_checks_signatures=settings.push_signature == "cloud_run",
            )
        case "none":
            return NoAuth()
        case "refused":
            return Nobody()
        case _:
            return SharedTokenAuth(settings.push_token)
