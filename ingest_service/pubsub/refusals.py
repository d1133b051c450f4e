"""What a message is told that an HTTP request would be told: the same rules, with the classes of failure that pushes know."""

from collections.abc import Iterator
from contextlib import contextmanager

from common.errors import Permanent, Retryable
from common.problems import Problem
from ingest_service.intake.recordings import RecordingDiffers
from ingest_service.intake.uploads import OffsetMoved


def refused(problem: Problem) -> Permanent | Retryable:
    """The failure that a problem is for a push, with the problem's kind as its reason. Pure."""
    failure = Retryable if problem.status >= 500 or problem.status == 429 else Permanent
    return failure(problem.detail, reason=problem.kind.replace("-", "_"))


@contextmanager
def as_pushes_know_it() -> Iterator[None]:
    """Inside, what the intake raises for HTTP becomes one of the failures of pushes."""
    try:
        yield
    except Problem as problem:
        raise refused(problem) from problem
    except RecordingDiffers as error:
        message = f"This connection_id belongs to another recording: {error}"
        raise Permanent(message, reason="recording_differs") from error
    except OffsetMoved as error:
        raise Retryable("another delivery stores the same recording", reason="stored_elsewhere") from error
