"""For who receives webhooks: whether a message is turnscribe's, by the Standard Webhooks specification.

    message = verify(request.get_data(), request.headers, secret)
    if message["type"] == "transcript.segment":
        ...

Needs the bytes as they came: JSON that was read and written again has another signature. A message may come more than once; its
`webhook-id` header is the same then.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from turnscribe.errors import TurnscribeClientError

PREFIX: Final = "whsec_"
TOLERANCE_S: Final = 300.0
"""How far the sender's clock may be from the receiver's; what is older may be a replay."""


class NotGenuine(TurnscribeClientError):
    """The message was not signed with this secret, was changed on its way, or is too old."""


def verify(
    payload: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance_s: float = TOLERANCE_S,
    now_s: float | None = None,
) -> dict[str, Any]:
    """The message in the body `payload`: `{"type", "timestamp", "data"}`. Names of `headers` in any case. Raises `NotGenuine`.

    `now_s` is the time in seconds since the epoch, where it is not now.
    """
    body = payload.encode() if isinstance(payload, str) else payload
    lower = {name.lower(): value for name, value in headers.items()}
    message_id, sent_at, signatures = (lower.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and sent_at and signatures):
        raise NotGenuine("the headers webhook-id, webhook-timestamp and webhook-signature must be there")
    if not (sent_at.isascii() and sent_at.isdecimal()):
        raise NotGenuine("webhook-timestamp is no number of seconds")
    if abs((time.time() if now_s is None else now_s) - int(sent_at)) > tolerance_s:
        raise NotGenuine("webhook-timestamp is too far from this machine's time")
    expected = base64.b64encode(
        hmac.new(_key(secret), f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    )
    if not any(hmac.compare_digest(expected, each) for each in _v1(signatures)):
        raise NotGenuine("no signature fits the secret")
    try:
        message = json.loads(body)
    except ValueError as error:
        raise NotGenuine("the body is no JSON") from error
    if not isinstance(message, dict):
        raise NotGenuine("the body is no JSON object")
    return message


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotGenuine("the secret is not whsec_ and base64") from error


def _v1(signatures: str) -> Iterator[bytes]:
    for each in signatures.split():
        version, _, value = each.partition(",")
        if version == "v1":
            yield value.encode("utf-8", "surrogatepass")
