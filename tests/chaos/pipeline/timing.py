"""When each of a schedule's faults is done and undone."""

import time
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from tests.chaos.pipeline.faults import Fault

LOOK_S: Final = 0.1
OPENED_S: Final = 30.0
"""By then connections are opened, whatever happens to ingest; or their uploaders say why not."""


def carry_out(
    faults: Sequence[Fault],
    strike: Callable[[Fault], None],
    relieve: Callable[[Fault], None],
    are_opened: Callable[[], bool],
) -> None:
    """Do all of it, and undo what does not end by itself, in time.

    No clock jumps before `are_opened`: of two connections of a meeting the one that was opened first, by ingest's clock, is primary.
    """
    begins = [(fault.at_s, strike, fault) for fault in faults]
    ends = [(fault.at_s + fault.for_s, relieve, fault) for fault in faults if fault.for_s]
    steps = [(at_s, number, do, fault) for number, (at_s, do, fault) in enumerate([*begins, *ends])]
    heapify(steps)
    began_s = time.monotonic()
    while steps:
        at_s, number, do, fault = heappop(steps)
        time.sleep(max(0.0, began_s + at_s - time.monotonic()))
        if fault.kind == "clock" and at_s < fault.at_s + OPENED_S and not are_opened():
            heappush(steps, (at_s + LOOK_S, number, do, fault))
        else:
            do(fault)
