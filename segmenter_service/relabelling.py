"""Speakers that become known after their audio was cut: the segment stays as it is, and is announced anew with other turns.

For SPEAKER_RELABEL_SEC of stream time. No audio is read and Whisper is not asked: the transcribe service gives the words that it has
to the new turns. As everywhere, an object is the decision: it is created before its event is published.
"""

from typing import Final

from common.events import SegmentRelabelled, Turn
from common.ids import segment_id
from common.logs import get_logger
from common.ports.blob_store import Created
from common.stored_relabellings import MAX_LABELS, store_relabelling
from segmenter_service.announced import REACH_MS, AnnouncedFinal, digest
from segmenter_service.holding import Holding
from segmenter_service.segments import turns_around
from segmenter_service.state import SAMPLES_PER_MS

log = get_logger(__name__)
SETTLED_MS: Final = 30_000
"""Observations that are late come one by one. A segment waits for the rest of its own, until so much more has been cut."""


def relabel(holding: Holding, *, at_once: bool = False) -> None:
    """Announce anew where somebody else is known to have spoken than was said; with `at_once`, not waiting for the rest."""
    for each in holding.state.announced:
        if each.due and (at_once or _is_complete(holding, each)):
            _look_again(holding, each)


def forget_old(holding: Holding) -> None:
    """Let go of what lies SPEAKER_RELABEL_SEC before the uncut audio: what becomes known of it is not looked at any more."""
    kept: list[AnnouncedFinal] = []
    from_ms = _uncut_ms(holding) - relabelled_ms(holding)
    for each in holding.state.announced:
        if each.end_ms > from_ms:
            kept.append(each)
        elif each.due:
            _look_again(holding, each)
    holding.state.announced = kept


def relabelled_ms(holding: Holding) -> int:
    """SPEAKER_RELABEL_SEC in milliseconds."""
    return round(holding.around.settings.speaker_relabel_sec * 1000)


def _uncut_ms(holding: Holding) -> int:
    return holding.state.uncut_from_sample // SAMPLES_PER_MS


def _is_complete(holding: Holding, each: AnnouncedFinal) -> bool:
    known_until_ms = holding.state.timeline.known_until(each.start_ms)
    return (
        holding.state.closed
        or known_until_ms >= each.end_ms + REACH_MS
        or _uncut_ms(holding) - each.end_ms >= SETTLED_MS
    )


def _look_again(holding: Holding, each: AnnouncedFinal) -> None:
    each.due = False
    turns = turns_around(holding, each.start_ms, each.end_ms)
    spoken = digest(turns, each.start_ms, each.end_ms)
    if spoken != each.spoken and holding.state.options.channels != "separate":
        each.spoken = spoken
        _announce(holding, each, turns)


def _announce(holding: Holding, each: AnnouncedFinal, turns: tuple[Turn, ...]) -> None:
    """Under the next number that is free: a rebuilt state has forgotten the numbers since its checkpoint."""
    while each.labels < MAX_LABELS:
        each.labels += 1
        event = SegmentRelabelled(
            tenant=holding.tenant,
            meeting_id=holding.state.meeting_id,
            connection_id=holding.connection_id,
            segment_id=segment_id(holding.connection_id, each.channel, each.start_ms),
            channel=each.channel,
            start_ms=each.start_ms,
            revision=each.revision,
            labels=each.labels,
            turns=turns,
            options=holding.state.options,
            generation=each.generation,
        )
        if store_relabelling(holding.around.blobs, holding.objects, event) is not Created.ALREADY_DIFFERENT:
            holding.around.publisher.publish(event)
            log.info("segment_relabelled", segment_id=event.segment_id, labels=event.labels)
            return
        holding.lease.renew()  # whoever slept through its lease knows less than the one who took that number
