"""Erasing a connection: everything that lies of it in the bucket and in Redis, by the holder of its lease.

The registry's tombstone is the decision, and it is made before anybody comes here. So whatever is stored later of the connection is
met without a state, looked up in the registry, and erased as well.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

import msgspec

from common.logs import get_logger
from common.object_names import ConnectionObjects
from common.ports.stream_registry import StreamRecord
from segmenter_service.holding import Surroundings
from segmenter_service.mailbox import Lease

log = get_logger(__name__)
AT_A_TIME: Final = 8
"""Deletions under way: each is a round trip to the bucket, and hours of audio are thousands of objects."""
BETWEEN_LOOKS: Final = 200
"""Objects deleted before the clock is looked at and the lease renewed."""


def erase(around: Surroundings, objects: ConnectionObjects, lease: Lease, bell_seen: bytes, *, until_s: float) -> bool:
    """Erase a connection. True when nothing of it was left and the lease is gone with the rest.

    False when there was no time for all of it (nothing is begun after `until_s` on the monotonic clock), or when something came in
    meanwhile: then it is done again. Raises `LeaseLost`, `Retryable`.
    """
    names = _everything(around, objects)
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        while some := list(islice(names, BETWEEN_LOOKS)):
            if around.clock.monotonic_s() >= until_s:
                return False
            list(threads.map(around.blobs.delete, some))
            lease.renew()
    if not lease.erase(bell_seen):
        return False
    now_ms = around.clock.now_ms()
    around.streams.change(objects.tenant, objects.connection_id, lambda record: _emptied(record, now_ms))
    log.info("stream_erased")
    return True


def _everything(around: Surroundings, objects: ConnectionObjects) -> Iterator[str]:
    """The mark of a new connection last: until then the sweep finds what is left of one that nobody registered."""
    for prefix in (objects.raw_prefix, objects.all_segments_prefix):
        for info in around.blobs.list(prefix):
            yield info.name
    yield objects.unregistered


def _emptied(record: StreamRecord, now_ms: int) -> StreamRecord:
    return msgspec.structs.replace(record, emptied_at_ms=now_ms)
