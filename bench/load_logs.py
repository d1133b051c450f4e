"""What services' log lines say of a stretch of time: answers, live revisions that were given up, and how late transcripts were."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

ANSWERS: Final = "request"
ANNOUNCED: Final = "segment_announced"
GIVEN_UP: Final = "provisional_given_up"
STORED: Final = "transcript_stored"
PUSHED_BACK: Final = ("push_backpressure", "push_retryable", "push_failed", "event_quarantined", "dead_letter")
REFUSED: Final = ("dependency_unavailable", "unhandled_error")


class Said(msgspec.Struct):
    """Counts of some lines."""

    answers: Counter[tuple[str, int]] = msgspec.field(default_factory=Counter)
    """By service and status; health checks are not logged."""
    announced: Counter[bool] = msgspec.field(default_factory=Counter)
    """Revisions of segments, by whether they are final."""
    given_up: Counter[str] = msgspec.field(default_factory=Counter)
    """Live revisions, by reason."""
    behind_ms: dict[bool, list[float]] = msgspec.field(default_factory=lambda: {False: [], True: []})
    """Of each stored revision, by whether it is final: from ingest's acceptance of its last chunk to its stored transcript."""
    troubles: Counter[str] = msgspec.field(default_factory=Counter)
    """Everything that was put off, refused or given up: `service: event, reason`."""


class Logs:
    """The logs of some services, read on from where they were read last."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = dict(paths)
        self._offsets = dict.fromkeys(self._paths, 0)

    def news(self) -> Said:
        """What was written since."""
        found = Said()
        for name, path in self._paths.items():
            with path.open("rb") as log:
                log.seek(self._offsets[name])
                lines = log.read()
            whole = lines.rfind(b"\n") + 1
            self._offsets[name] += whole
            take_in(found, name, lines[:whole].splitlines())
        return found


def take_in(found: Said, service: str, lines: Iterable[bytes]) -> None:
    """Count `lines`. What is no JSON object is a traceback or gunicorn's, and passed over."""
    for line in lines:
        if line[:1] != b"{":
            continue
        said: dict[str, Any] = msgspec.json.decode(line)
        match said.get("message"):
            case "request":
                found.answers[service, said["status"]] += 1
            case "segment_announced":
                found.announced[said["final"]] += 1
            case "provisional_given_up":
                found.given_up[said["reason"]] += 1
            case "transcript_stored":
                if said["behind_ms"] is not None:
                    found.behind_ms[said["final"]].append(said["behind_ms"])
            case str(event) if event in PUSHED_BACK or event in REFUSED:
                found.troubles[f"{service}: {event}, {said.get('reason') or said.get('error_type')}"] += 1
