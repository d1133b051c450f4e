"""Saying that a version of a segment's transcript is stored."""

from common.events import SegmentReady, SegmentRelabelled, TranscriptUpdated
from common.ports.publisher import Publisher


def announce(
    publisher: Publisher, of: SegmentReady | SegmentRelabelled, *, final: bool, labels: int, take: str
) -> None:
    """Publish it; twice for one version gives one id. Raises as `Publisher.publish`."""
    publisher.publish(
        TranscriptUpdated(
            tenant=of.tenant,
            meeting_id=of.meeting_id,
            connection_id=of.connection_id,
            segment_id=of.segment_id,
            revision=of.revision,
            final=final,
            labels=labels,
            generation=of.generation,
            take=take,
        )
    )
