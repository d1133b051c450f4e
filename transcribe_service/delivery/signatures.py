"""Secrets and signatures of the Standard Webhooks specification (v1: HMAC-SHA256 over id, time and body). Pure."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Final

from common.ports.webhook_store import Webhook

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
OLD_SECRET_MS: Final = 86_400_000
"""So long the secret before the last one signs too."""


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """A secret as receivers keep it."""
    return PREFIX + base64.b64encode(random_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC. Neither id nor time has a full stop, so nobody can move a part into another."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def signed_headers(webhook: Webhook, message_id: str, now_ms: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; signed with each secret that holds."""
    timestamp_s = now_ms // 1000
    signatures = [signature(secret, message_id, timestamp_s, body) for secret in _secrets(webhook, now_ms)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def _secrets(webhook: Webhook, now_ms: int) -> Iterator[str]:
    yield webhook.secret
    if webhook.previous_secret and now_ms < webhook.previous_until_ms:
        yield webhook.previous_secret
