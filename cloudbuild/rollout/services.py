"""The services that a rollout moves, and the order in which it does."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Service:
    """A Cloud Run service, and the image that it runs."""

    name: str
    """Without the environment's prefix."""
    image: str
    """Its key in the record of images."""
    public: bool
    """Whether everybody may invoke it; otherwise its heartbeat is asked with an identity token."""


ROLLOUT_ORDER: Final = (
    Service("segmenter", image="segmenter", public=False),
    Service("transcribe", image="transcribe", public=False),
    Service("api", image="transcribe", public=True),
    Service("ingest", image="ingest", public=True),
)
"""Who is pushed to comes first: a bad revision there costs a delay, because Pub/Sub brings again what it refuses, and the revision
beside it takes it. Then what people read. Ingest is last: what it refuses may be lost, since some uploaders stop at the first refusal,
so it moves only once everything behind it has shown that it works."""

IMAGES: Final = tuple(sorted({service.image for service in ROLLOUT_ORDER}))
"""Keys that a record of images must have."""
