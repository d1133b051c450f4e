"""The sweep: looks after streams that no push looks after, because their holder died, Redis was flushed, or time itself is
what they wait for (a gap's deadline, late speakers, silence).
"""

import threading
from typing import Final

from common.errors import TurnscribeError
from common.logs import get_logger
from common.ports.stream_registry import StreamRegistry
from segmenter_service.drain import Drainer

log = get_logger(__name__)
STREAMS_A_SWEEP: Final = 200


class Sweep:
    """Each call drains the next open streams, at most `STREAMS_A_SWEEP`, and goes on where the last one stopped."""

    def __init__(self, streams: StreamRegistry, drainer: Drainer) -> None:
        self._streams = streams
        self._drainer = drainer
        self._after = ""
        self._lock = threading.Lock()

    def run(self) -> tuple[int, int]:
        """`(streams looked after, of those failed)`. One stream's failure keeps no other waiting."""
        with self._lock:
            records = self._streams.open_streams(limit=STREAMS_A_SWEEP, start_after=self._after)
            last = records[-1] if len(records) == STREAMS_A_SWEEP else None
            self._after = f"{last.tenant}/{last.connection_id}" if last else ""
        failed = 0
        for record in records:
            try:
                self._drainer.drain(record)
            except TurnscribeError as error:
                failed += 1
                log.warning("sweep_failed", connection=record.connection_id, reason=error.reason)
        return len(records), failed
