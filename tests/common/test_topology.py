import msgspec
import pytest

from common import events
from common.topology import Topology, topology

SERVICES = {"ingest", "segmenter", "transcribe"}


def test_the_topology_of_this_release_is_sound() -> None:
    assert list(topology().problems()) == []


def test_every_event_has_its_topic_and_every_service_exists() -> None:
    assert {event.TOPIC for event in events.EVENT_TYPES.values()} <= set(topology().topics)
    parts = [*topology().subscriptions.values(), *topology().schedules.values()]
    assert {part.service for part in parts} <= SERVICES


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("subscriptions", "segmenter", "topic"), "nowhere", "segmenter: there is no topic nowhere"),
        (("subscriptions", "segmenter", "max_delivery_attempts"), None, "belong together"),
        (("subscriptions", "segmenter", "min_backoff_sec"), 600, "is above max_backoff_sec"),
        (
            ("subscriptions", "transcribe-dead-letters", "topic"),
            "segments",
            "nobody listens to transcribe-dead-letters",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(path: tuple[str, ...], value: object, problem: str) -> None:
    raw = msgspec.to_builtins(topology())
    part = raw
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    assert any(problem in found for found in msgspec.convert(raw, Topology).problems())
