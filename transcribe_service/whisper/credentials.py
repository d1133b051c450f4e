"""How the Whisper server is told who asks: not at all, or by a token of its own. Google's identity tokens are `google_id_token`."""

from typing import Protocol

from common.settings import Secret


class Credentials(Protocol):
    """Gives the headers that a request needs to be let in."""

    def headers(self) -> dict[str, str]:
        """Empty where nobody is asked. Raises `Retryable` when there is no way to get them now."""
        ...


class BearerToken:
    """A token of the server's own; empty: none."""

    def __init__(self, token: Secret) -> None:
        self._headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}

    def headers(self) -> dict[str, str]:
        """Always the same."""
        return dict(self._headers)
