"""Who gets which events on the local runner, and how patiently. Pure."""

from typing import Final

from common.adapters.embedded.subscriptions import Subscription
from common.events import SEGMENTS_TOPIC, STREAM_EVENTS_TOPIC
from local_runner.settings import PUSH_ACK_DEADLINE_S, RunnerSettings

SEGMENTER_IN_FLIGHT: Final = 4
SPARE_TRANSCRIPTIONS: Final = 2
"""Pushes to transcribe beyond PROCESSING_THREADS: they fetch and wait while the others are at Whisper."""
MAX_ATTEMPTS: Final = 1000
"""A message must outlive any outage of Whisper: 1,000 tries at up to 30 s are eight hours."""


def subscriptions(settings: RunnerSettings) -> tuple[Subscription, ...]:
    """Who gets what: stream events go to the segmenter, segments to transcribe. Pure."""
    options = {"min_backoff_s": 0.2, "max_backoff_s": 30.0}
    return (
        Subscription(
            name="segmenter",
            topic=STREAM_EVENTS_TOPIC,
            endpoint=f"{settings.url}/internal/segmenter/push/segmenter",
            ack_deadline_s=PUSH_ACK_DEADLINE_S,
            max_in_flight=SEGMENTER_IN_FLIGHT,
            max_attempts=MAX_ATTEMPTS,
            **options,
        ),
        Subscription(
            name="transcribe",
            topic=SEGMENTS_TOPIC,
            endpoint=f"{settings.url}/internal/transcribe/push/transcribe",
            ack_deadline_s=settings.transcribe.push_ack_deadline_sec,
            max_in_flight=settings.transcribe.processing_threads + SPARE_TRANSCRIPTIONS,
            max_attempts=MAX_ATTEMPTS,
            **options,
        ),
    )
