"""Whole meetings from the SDK: `client.meetings`. All but the list needs a token with the scope admin."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from turnscribe.meeting_schema import Deletion, ListedMeeting, MeetingPage, Replay, Retention, Retranscription
from turnscribe.transport import Transport

_MEETINGS: Final = "/v1/meetings"
_RETENTION: Final = "/v1/retention"
_JSON: Final = {"Content-Type": "application/json"}


class Meetings:
    """The meetings of the client's tenant."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Iterator[ListedMeeting]:
        """All of them, the newest first. Asks page by page."""
        query: dict[str, str] = {}
        while True:
            page = self._transport.request("GET", _MEETINGS, query=query).decoded(MeetingPage)
            yield from page.meetings
            if page.next is None:
                return
            query["cursor"] = page.next

    def delete(self, meeting_id: str) -> Deletion:
        """Begin to delete a meeting; from then on it will be gone, whatever fails. Raises `NotFound`."""
        return self._transport.request("DELETE", _path(meeting_id)).decoded(Deletion)

    def deletion(self, deletion_id: str) -> Deletion:
        """What is left of a deleted meeting, as listings find it now. Raises `NotFound`, also once its record is no longer kept."""
        return self._transport.request("GET", f"/v1/deletions/{quote(deletion_id, safe='')}").decoded(Deletion)

    def replay(self, meeting_id: str) -> Replay:
        """Have a meeting rebuilt from its chunks. Raises `NotFound`, or `Conflict` where its audio was erased."""
        return self._transport.request("POST", f"{_path(meeting_id)}/replay").decoded(Replay)

    def replay_state(self, meeting_id: str) -> Replay:
        """How far a meeting's last replay is. Raises `NotFound` where there was none."""
        return self._transport.request("GET", f"{_path(meeting_id)}/replay").decoded(Replay)

    def retranscribe(
        self, meeting_id: str, *, model: str = "", language: str = "", vocabulary: Sequence[str] = ()
    ) -> Retranscription:
        """Have a meeting's segments transcribed once more; what is not said stays as it was.

        Raises `NotFound`, or `Conflict` where the meeting is not complete, another one is under way, or its audio was erased.
        """
        wanted = {"model": model, "language": language, "vocabulary": list(vocabulary)}
        path = f"{_path(meeting_id)}/retranscriptions"
        answer = self._transport.request("POST", path, body=msgspec.json.encode(wanted), headers=_JSON)
        return answer.decoded(Retranscription)

    def retranscription(self, meeting_id: str, take: str) -> Retranscription:
        """How far one of them is. Raises `NotFound`."""
        path = f"{_path(meeting_id)}/retranscriptions/{quote(take, safe='')}"
        return self._transport.request("GET", path).decoded(Retranscription)

    def retention(self) -> Retention:
        """How long the tenant's meetings are kept."""
        return self._transport.request("GET", _RETENTION).decoded(Retention)

    def keep(self, *, audio_days: int | None, transcript_days: int | None) -> Retention:
        """Have them kept so long from now on; None is for ever."""
        wanted = {"audio_days": audio_days, "transcript_days": transcript_days}
        answer = self._transport.request("PUT", _RETENTION, body=msgspec.json.encode(wanted), headers=_JSON)
        return answer.decoded(Retention)


def _path(meeting_id: str) -> str:
    return f"{_MEETINGS}/{quote(meeting_id, safe='')}"


def finished(
    look: Callable[[], Any], pause: Callable[[float], None], *, first_s: float = 0.3, most_s: float = 5.0
) -> Any:
    """What `look` gives once it is no longer `running`: a `Deletion`, `Replay` or `Retranscription`. Pauses grow up to `most_s`."""
    pause_s = first_s
    while (found := look()).state == "running":
        pause(pause_s)
        pause_s = min(most_s, pause_s * 1.5)
    return found
