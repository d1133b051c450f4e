"""Speaker activity as uploaders send it, masks or intervals, as one checked struct. Pure."""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from common.events import Activity
from common.json_input import UNREADABLE_JSON, refuse_deep_json
from common.speaker_masks import MAX_SPEAKERS, TooManySpeakers, activities_of_masks, checked_speaker
from ingest_service.intake.requests import EARLIEST_EPOCH_MS, checked_epoch_ms, invalid_body

MAX_BODY_BYTES: Final = 256 * 1024
MAX_WINDOW_MS: Final = 3_600_000

_Ms = Annotated[int, Meta(ge=0)]


class Observation(msgspec.Struct, frozen=True):
    """Who spoke in one window: `activities` lie inside it, in order of time, on the clock that `clock` names."""

    clock: Literal["epoch", "stream"]
    covered_from_ms: int
    covered_to_ms: int
    activities: tuple[Activity, ...]

    @property
    def observation_id(self) -> str:
        """32 hex digits of a hash over the content: equal observations have equal ids."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


class Masks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who spoke in a window that ends at `ts_ms`: a character for each `bit_ms`, 1 where the speaker was active."""

    ts_ms: int
    """The window's end on the uploader's clock, in milliseconds since the epoch."""
    masks: tuple[tuple[str, str], ...]
    """Pairs of a speaker's name and mask, such as `["Ada", "0110001111"]`."""
    bit_ms: int = 100


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One speaker speaking."""

    speaker: str
    start_ms: _Ms
    end_ms: _Ms


class Intervals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who spoke when in a window, on either clock."""

    clock: Literal["epoch", "stream"]
    """`epoch`: milliseconds since the epoch. `stream`: since the connection's first sample."""
    covered_from_ms: _Ms
    covered_to_ms: _Ms
    """The window's end. Whoever is not named in the window was silent."""
    intervals: tuple[Interval, ...]


def observation(body: bytes) -> Observation:
    """The observation in a request's JSON, of either form. Raises a 400 `Problem` or `Permanent` naming what is wrong."""
    refuse_deep_json(body)
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if "masks" in fields:
            return observation_of_masks(msgspec.json.decode(body, type=Masks))
        if "intervals" in fields:
            return _of_intervals(msgspec.json.decode(body, type=Intervals))
    except UNREADABLE_JSON as error:
        raise invalid_body(str(error)) from error
    raise invalid_body("the body has neither masks nor intervals")


def observation_of_masks(said: Masks) -> Observation:
    """The observation that masks make. Raises a 400 `Problem` or `Permanent` naming what is wrong."""
    checked_epoch_ms(said.ts_ms, "ts_ms")
    covered_from_ms, covered_to_ms, activities = activities_of_masks(said.ts_ms, said.bit_ms, said.masks)
    return _checked("epoch", covered_from_ms, covered_to_ms, activities)


def _of_intervals(said: Intervals) -> Observation:
    for field in ("covered_from_ms", "covered_to_ms"):
        value = getattr(said, field)
        if said.clock == "epoch":
            checked_epoch_ms(value, field)
        elif value >= EARLIEST_EPOCH_MS:
            raise invalid_body(f"{field} is no stream time; for milliseconds since the epoch send clock: epoch")
    activities = []
    for index, interval in enumerate(said.intervals):
        if interval.start_ms >= interval.end_ms:
            raise invalid_body(f"intervals[{index}]: start_ms must be before end_ms")
        speaker = checked_speaker(interval.speaker, f"intervals[{index}].speaker")
        activities.append(Activity(speaker, interval.start_ms, interval.end_ms))
    speakers = len({activity.speaker for activity in activities})
    if speakers > MAX_SPEAKERS:
        raise TooManySpeakers(speakers)
    return _checked(said.clock, said.covered_from_ms, said.covered_to_ms, activities)


def _checked(
    clock: Literal["epoch", "stream"], covered_from_ms: int, covered_to_ms: int, activities: Iterable[Activity]
) -> Observation:
    if covered_from_ms > covered_to_ms:
        raise invalid_body("covered_from_ms must not be after covered_to_ms")
    if covered_to_ms - covered_from_ms > MAX_WINDOW_MS:
        raise invalid_body(f"the window is longer than {MAX_WINDOW_MS} ms (one hour)")
    return Observation(clock, covered_from_ms, covered_to_ms, _clipped(activities, covered_from_ms, covered_to_ms))


def _clipped(activities: Iterable[Activity], from_ms: int, to_ms: int) -> tuple[Activity, ...]:
    """The parts inside the window, each once, in one order: what was said in another order is the same observation."""
    inside = {(max(a.start_ms, from_ms), min(a.end_ms, to_ms), a.speaker) for a in activities}
    return tuple(
        Activity(speaker, start_ms, end_ms) for start_ms, end_ms, speaker in sorted(inside) if start_ms < end_ms
    )
