"""What people may change of a meeting, as a JSON merge patch (RFC 7396): what is left out stays, null takes away. Pure."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from common.ports.meeting_store import Meeting
from common.problems import Problem
from common.speaker_masks import MAX_NAME_LENGTH

MAX_TITLE_LENGTH: Final = 200
MAX_TERMS: Final = 200
MAX_TERM_LENGTH: Final = 100
MAX_SPEAKER_NAMES: Final = 300
PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
"""On one line, without control characters."""
SpeakerKey = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
ShownName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, pattern=PRINTABLE)]
Term = Annotated[str, Meta(min_length=1, max_length=MAX_TERM_LENGTH, pattern=PRINTABLE)]


class MeetingPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `PATCH /v1/meetings/{id}`."""

    title: Annotated[str, Meta(max_length=MAX_TITLE_LENGTH, pattern=PRINTABLE)] | UnsetType | None = UNSET
    """What people call it."""
    language: (
        Annotated[str, Meta(max_length=35, pattern="^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$")] | UnsetType | None
    ) = UNSET
    """BCP 47; null or empty: Whisper detects it. For what is transcribed from now on."""
    vocabulary: Annotated[tuple[Term, ...], Meta(max_length=MAX_TERMS)] | UnsetType | None = UNSET
    """Names and terms that Whisper is told to expect, all of them. For what is transcribed from now on."""
    speaker_names: (
        Annotated[dict[SpeakerKey, ShownName | None], Meta(max_length=MAX_SPEAKER_NAMES)] | UnsetType | None
    ) = UNSET
    """What readers see instead of a speaker's name, by the name that the uploader gave; null gives one's own name back."""


def patched(meeting: Meeting, patch: MeetingPatch) -> Meeting:
    """`meeting` with what `patch` says. Raises a 400 `Problem` where it would have too many speakers' names."""
    changes: dict[str, object] = {}
    if patch.title is not UNSET:
        changes["title"] = patch.title or ""
    if patch.language is not UNSET:
        changes["language"] = patch.language or ""
    if patch.vocabulary is not UNSET:
        changes["vocabulary"] = patch.vocabulary or ()
    if patch.speaker_names is not UNSET:
        changes["speaker_names"] = _renamed(meeting, patch.speaker_names)
    return msgspec.structs.replace(meeting, **changes)


def _renamed(meeting: Meeting, names: dict[str, str | None] | None) -> dict[str, str]:
    if names is None:
        return {}
    merged = {**meeting.speaker_names, **names}
    kept = {key: name for key, name in merged.items() if name is not None}
    if len(kept) > MAX_SPEAKER_NAMES:
        what = f"speaker_names would have {len(kept)} names; at most {MAX_SPEAKER_NAMES} are allowed."
        raise Problem(400, "invalid-body", what, field="speaker_names")
    return kept
