"""What a Whisper server of `whisper_service` says about its own work: `GET /v1/stats`."""

import msgspec
import urllib3

from common.errors import Retryable


class WhisperStats(msgspec.Struct, frozen=True):
    """Its work since it began."""

    requests: int
    audio_seconds: float
    busy_seconds: float


def whisper_stats(pool: urllib3.PoolManager, url: str, token: str) -> WhisperStats:
    """Ask the server at `url`; `token` is its WHISPER_API_TOKEN, empty where it wants none. Raises `Retryable` without an answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = pool.request("GET", f"{url}/v1/stats", headers=headers)
        return msgspec.json.decode(answer.data, type=WhisperStats)
    except (urllib3.exceptions.HTTPError, msgspec.DecodeError) as error:
        raise Retryable(f"Whisper's account: {type(error).__name__}", reason="whisper_unreachable") from error
