"""Whether a push carries the token that Pub/Sub or Cloud Scheduler signs for this service: OpenID Connect, verified here.

It must be signed by Google, in time, for this audience, and belong to the account that pushes. Where a Cloud Run service may not
be invoked by everybody, Cloud Run checks the signature itself and takes it off before the application sees the token; all else is
checked here all the same. Such a token is good only if the settings say that Cloud Run checks: anybody can write one.
"""

from collections.abc import Mapping
from typing import Any, Final

import google.auth.exceptions
from flask import Request
from google.auth import jwt

from common.clock import Clock
from common.logs import get_logger
from common.oidc_certificates import Certificates

log = get_logger(__name__)
ISSUERS: Final = frozenset({"https://accounts.google.com", "accounts.google.com"})
ALGORITHM: Final = "RS256"
CLOCK_SKEW_S: Final = 10
"""How far this machine's clock may be from the issuer's."""
MAX_TOKEN_CHARACTERS: Final = 8_192
_REMOVED: Final = ".SIGNATURE_REMOVED_BY_GOOGLE"
"""What Cloud Run puts in the place of a signature that it has checked itself."""


class Refused(Exception):
    """The token is not accepted. `reason` is a short stable slug."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OidcAuth:
    """Allows requests with `Authorization: Bearer <token>`, where the token is for `audience` and of one of `accounts` (e-mails)."""

    def __init__(
        self,
        audience: str,
        accounts: frozenset[str],
        certificates: Certificates,
        clock: Clock,
        *,
        cloud_run_checks_signatures: bool = False,
    ) -> None:
        if not audience or not accounts:
            raise ValueError("an audience and an account are what a token is compared with")
        self._audience = audience
        self._accounts = accounts
        self._certificates = certificates
        self._clock = clock
        self._cloud_run_checks_signatures = cloud_run_checks_signatures

    def allows(self, req: Request) -> bool:
        """True when the token is good. Raises `Retryable` when that can't be found out: no push is refused, or let in, unseen."""
        try:
            self._check(_token(req.headers.get("Authorization", "")))
        except Refused as refused:
            log.warning("token_refused", reason=refused.reason)
            return False
        return True

    def _check(self, token: str) -> None:
        claims = self._checked_elsewhere(token) if token.endswith(_REMOVED) else self._signed(token)
        if claims.get("iss") not in ISSUERS:
            raise Refused("issuer")
        if claims.get("aud") != self._audience:
            raise Refused("audience")
        if claims.get("email") not in self._accounts:
            raise Refused("account")
        if claims.get("email_verified") is not True:
            raise Refused("unverified_email")

    def _signed(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that is well signed and in time."""
        key_id = _key_id(token)
        certificates = self._certificates.having(key_id)
        if key_id not in certificates:
            raise Refused("unknown_key")
        return _claims(token, {key_id: certificates[key_id]})

    def _checked_elsewhere(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that Cloud Run has checked, if it is in time."""
        if not self._cloud_run_checks_signatures:
            raise Refused("signature_removed")
        _key_id(token)
        try:
            claims: Any = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]
        except (google.auth.exceptions.GoogleAuthError, ValueError, RecursionError) as error:
            raise Refused("garbage") from error
        issued_s, expires_s = (claims.get(name) if isinstance(claims, dict) else None for name in ("iat", "exp"))
        if not isinstance(issued_s, int) or not isinstance(expires_s, int):
            raise Refused("claims")
        now_s = self._clock.now_ms() / 1000
        if now_s > expires_s + CLOCK_SKEW_S:
            raise Refused("expired")
        if now_s < issued_s - CLOCK_SKEW_S:
            raise Refused("not_yet_valid")
        return dict(claims)


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused("no_token")
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        raise Refused("garbage")
    return token


def _key_id(token: str) -> str:
    """The key that the token says it is signed with. No other algorithm is looked at: not `none`, not a shared secret."""
    try:
        header: Any = jwt.decode_header(token)  # type: ignore[no-untyped-call]
    except (google.auth.exceptions.GoogleAuthError, ValueError, RecursionError) as error:
        raise Refused("garbage") from error
    if not isinstance(header, dict) or header.get("alg") != ALGORITHM or not isinstance(header.get("kid"), str):
        raise Refused("algorithm")
    return str(header["kid"])


def _claims(token: str, certificates: Mapping[str, str]) -> Mapping[str, Any]:
    """The claims of a token that is well signed and in time."""
    try:
        claims: Any = jwt.decode(token, certs=dict(certificates), clock_skew_in_seconds=CLOCK_SKEW_S)  # type: ignore[no-untyped-call]
    except google.auth.exceptions.InvalidValue as error:
        raise Refused("expired" if "expired" in str(error) else "not_yet_valid") from error
    except google.auth.exceptions.MalformedError as error:
        raise Refused("signature" if "signature" in str(error).lower() else "claims") from error
    except (google.auth.exceptions.GoogleAuthError, ValueError, TypeError) as error:
        raise Refused("garbage") from error
    if not isinstance(claims, dict):
        raise Refused("claims")
    return claims
