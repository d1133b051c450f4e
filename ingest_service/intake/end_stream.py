"""Taking the end of a stream: store it, publish it, only then say so."""

from common.events import StreamEnded
from common.ports.blob_store import Created
from common.problems import Problem
from common.stored_chunks import event_content, event_of_content
from ingest_service.intake.intake import Intake
from ingest_service.intake.requests import EndOfStream, Stream


def end_stream(intake: Intake, stream: Stream, end: EndOfStream) -> StreamEnded:
    """The end that counts: the first one. On return object and event are durable.

    Saying the same again publishes it again. Raises a 409 `Problem` when another last seq is stored.
    """
    intake.claim(stream)
    event = StreamEnded(
        tenant=stream.tenant,
        meeting_id=stream.meeting_id,
        connection_id=stream.connection_id,
        last_seq=end.last_seq,
        observations=end.observations,
        object_name=intake.objects(stream.tenant, stream.connection_id).end,
    )
    if intake.blobs.create(event.object_name, event_content(event)) is Created.ALREADY_DIFFERENT:
        event = event_of_content(intake.read(event.object_name), StreamEnded)
        if event.last_seq != end.last_seq:
            raise Problem(
                409,
                "stream-ended-otherwise",
                f"This stream has ended with last_seq {event.last_seq}.",
                connection_id=stream.connection_id,
                last_seq=event.last_seq,
            )
    intake.publisher.publish(event)
    return event
