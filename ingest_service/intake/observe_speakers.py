"""Taking an observation of speaker activity: store it, publish it, only then say so.

Of a recording that is still being uploaded nobody knows, so that there it is only stored, as its bytes are.
"""

from common.events import SpeakersObserved
from common.ports.blob_store import Created
from common.stored_chunks import event_content, event_of_content
from ingest_service.intake.connection_limits import LATE_OBSERVATION_MS
from ingest_service.intake.intake import Intake
from ingest_service.intake.observations import Observation
from ingest_service.intake.requests import Stream


def observe_speakers(intake: Intake, stream: Stream, observed: Observation) -> bool:
    """True when the observation is new, False when it was there. On return object and event are durable.

    Raises a 409 `Problem` when the connection is another meeting's, or too old for anything new.
    """
    age_ms = intake.claim(stream)
    event = _event(intake, stream, observed)
    too_old = intake.limits.age_problem(stream.connection_id, age_ms, grace_ms=LATE_OBSERVATION_MS)
    intake.refuse_new(event.object_name, too_old)
    created = intake.blobs.create(event.object_name, event_content(event))
    if created is Created.ALREADY_DIFFERENT:  # same content by its hash, written by a release that encodes it otherwise
        event = event_of_content(intake.read(event.object_name), SpeakersObserved)
    intake.publisher.publish(event)
    return created is Created.CREATED


def keep_observation(intake: Intake, stream: Stream, observed: Observation) -> bool:
    """Store an observation of a connection that is not to be known yet. True when it is new."""
    event = _event(intake, stream, observed)
    return intake.blobs.create(event.object_name, event_content(event)) is Created.CREATED


def _event(intake: Intake, stream: Stream, observed: Observation) -> SpeakersObserved:
    observation_id = observed.observation_id
    objects = intake.objects(stream.tenant, stream.connection_id)
    return SpeakersObserved(
        tenant=stream.tenant,
        meeting_id=stream.meeting_id,
        connection_id=stream.connection_id,
        observation_id=observation_id,
        object_name=objects.speakers(observed.covered_to_ms, observation_id),
        clock=observed.clock,
        covered_from_ms=observed.covered_from_ms,
        covered_to_ms=observed.covered_to_ms,
        activities=observed.activities,
    )
