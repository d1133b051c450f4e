"""Port: the webhooks of tenants: who is told what, and how they know that it was us."""

from collections.abc import Callable
from typing import Protocol

import msgspec


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver of one tenant. Its secrets sign what it is sent, so they are kept as they are: none of them goes into a log or a list."""

    tenant: str
    webhook_id: str
    """Unique in an installation; not secret."""
    url: str
    events: tuple[str, ...]
    """Types of the messages that it gets."""
    provisional: bool = False
    """Whether it gets live revisions of segments too."""
    created_at_ms: int
    """Epoch milliseconds."""
    enabled: bool = True
    disabled_because: str = ""
    """A short slug where it is not enabled: `by_hand`, `gone` (it said 410), `failing`."""
    secret: str
    """`whsec_` and base64."""
    previous_secret: str = ""
    """The one before; signs too until `previous_until_ms`."""
    previous_until_ms: int = 0
    failing_since_ms: int | None = None
    """Its first failure since it last took something; None while all is well."""
    given_up: int = 0
    """Messages that it did not take in any of their attempts, since it last took something."""


class WebhookStore(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def create(self, webhook: Webhook) -> None:
        """Store a webhook; one of the same tenant and id that is there already stays as it is."""
        ...

    def get(self, tenant: str, webhook_id: str) -> Webhook | None:
        """A tenant's webhook, or None: also where it is another tenant's."""
        ...

    def of_tenant(self, tenant: str) -> list[Webhook]:
        """All webhooks of a tenant, in the order in which they were created, then by id."""
        ...

    def change(self, tenant: str, webhook_id: str, change: Callable[[Webhook], Webhook]) -> Webhook | None:
        """Replace a webhook by what `change` makes of it; atomic: `change` is asked again where another writer was faster.

        Returns the webhook as it is now; None when there is none. `change` leaves tenant, id and `created_at_ms` as they are.
        """
        ...

    def delete(self, tenant: str, webhook_id: str) -> None:
        """Forget a webhook; forgetting what is not there is no error."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
