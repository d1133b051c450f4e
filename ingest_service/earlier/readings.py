"""What clients of the earlier system say, read with good will: a value that can be understood, and the fault if it is not as it should be. Pure."""

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from common.errors import Permanent
from common.ids import InvalidId, checked_id
from common.json_input import UNREADABLE_JSON, refuse_deep_json
from common.speaker_masks import MAX_SPEAKERS, TooManySpeakers, activities_of_masks
from ingest_service.intake.faults import Fault
from ingest_service.intake.requests import EARLIEST_EPOCH_MS, LATEST_EPOCH_MS

_UNITS: Final = (("seconds", 1_000.0), ("milliseconds", 1.0), ("microseconds", 0.001), ("nanoseconds", 0.000_001))
"""What a timestamp may count, and how many milliseconds one is. Times of our centuries differ by unit."""
Masks = tuple[tuple[str, str], ...]


def read_time(ts: str | None, now_ms: int) -> tuple[int, Fault | None]:
    """`ts`, epoch seconds, in milliseconds. In another unit it is converted; where nothing can be made of it, `now_ms` stands in."""
    if not ts:
        return now_ms, Fault("missing_time", "ts is missing; the time of arrival was taken.")
    try:
        value = float(ts)
    except ValueError:
        value = math.nan
    for unit, milliseconds in _UNITS:
        in_ms = value * milliseconds
        if EARLIEST_EPOCH_MS <= in_ms <= LATEST_EPOCH_MS:
            if unit == "seconds":
                return round(in_ms), None
            return round(in_ms), Fault(
                f"time_in_{unit}", f"ts counts {unit}, and not seconds as it should; it was converted."
            )
    return now_ms, Fault("unreadable_time", "ts is no time in seconds since the epoch; the time of arrival was taken.")


def read_source(source: str) -> tuple[str, Fault | None]:
    """`source`, if it can be one."""
    try:
        return checked_id(source, "source") if source else "", None
    except InvalidId as error:
        return "", Fault("unreadable_source", f"{error}; it was left out.")


def read_masks(body: bytes) -> tuple[Masks, Fault | None]:
    """The speakers' masks in `[["name", "0110001111"], …]` that can be used, each speaker once; and why others can't.

    Two masks of one name are two people who are called the same, or one who is there twice: spoken is what either says.
    """
    try:
        refuse_deep_json(body)
        rows = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (Permanent, *UNREADABLE_JSON) as error:
        return (), _unusable(f"the body is no JSON array ({error})")
    masks: dict[str, str] = {}
    fault: Fault | None = None
    for index, row in enumerate(rows):
        try:
            name, mask = msgspec.json.decode(row, type=tuple[str, str])
            activities_of_masks(EARLIEST_EPOCH_MS, 1, ((name, mask),))
        except (Permanent, *UNREADABLE_JSON) as error:
            fault = fault or _unusable(f"row {index}: {error}")
            continue
        name = name.strip()
        if len(masks) == MAX_SPEAKERS and name not in masks:
            fault = fault or _unusable(str(TooManySpeakers(len(rows))))
            continue
        masks[name] = "".join(_either(masks.get(name, ""), mask))
    return tuple(masks.items()), fault


def _either(one: str, other: str) -> Iterator[str]:
    """Both masks in one; they end at the same time."""
    width = max(len(one), len(other))
    for a, b in zip(one.rjust(width, "0"), other.rjust(width, "0"), strict=True):
        yield max(a, b)


def _unusable(why: str) -> Fault:
    return Fault("unusable_masks", f"Not all speaker masks could be used: {why}.")
