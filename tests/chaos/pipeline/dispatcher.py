"""The embedded queue's dispatcher in a process of its own: `python -m tests.chaos.pipeline.dispatcher DATA_DIR FRONT_URL`.

It pushes to the services below FRONT_URL, by name, with PUSH_TOKEN of the environment.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Final

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Subscription
from common.clock import SystemClock
from common.settings import Secret
from common.topology import PushSubscription, topology

ACK_DEADLINE_S: Final = 10.0
"""Shorter than a deployment's: what a killed service had in hand comes again within a schedule."""


def _subscription(name: str, wanted: PushSubscription, front_url: str) -> Subscription:
    return Subscription(
        name=name,
        topic=wanted.topic,
        endpoint=f"{front_url}/{wanted.service}{wanted.path}",
        ack_deadline_s=ACK_DEADLINE_S,
        max_in_flight=4,
        max_attempts=1000,
        min_backoff_s=0.1,
        max_backoff_s=1.0,
        dead_letter_topic=wanted.dead_letter_topic or "",
    )


def main(data_dir: Path, front_url: str) -> None:
    """Dispatch until SIGTERM."""
    clock = SystemClock()
    queue = SqliteQueue(DataDir(data_dir).queue, clock)
    for name, wanted in topology().subscriptions.items():
        queue.subscribe(_subscription(name, wanted, front_url))
    dispatcher = PushDispatcher(queue, Secret(os.environ["PUSH_TOKEN"]), clock)
    dispatcher.start()
    signal.sigwait({signal.SIGTERM})
    dispatcher.stop(ACK_DEADLINE_S)
    queue.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(Path(sys.argv[1]), sys.argv[2])
