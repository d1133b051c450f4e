"""The embedded queue's dispatcher and the sweeps, in a process of their own: what the local runner does beside its services.

    python -m bench.load_queue INGEST_URL SEGMENTER_URL TRANSCRIBE_URL

Reads the environment of the services. Patience, places and intervals are the local runner's. Runs until SIGTERM.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

import msgspec

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.clock import SystemClock
from common.topology import topology
from local_runner.settings import load_runner_settings
from local_runner.subscriptions import subscriptions
from local_runner.sweep_timer import SweepTimer

SERVICES: Final = ("ingest", "segmenter", "transcribe")
STOP_S: Final = 20.0


def main() -> None:
    """Deliver and sweep until SIGTERM."""
    urls = dict(zip(SERVICES, sys.argv[1:], strict=True))
    settings = load_runner_settings(os.environ, token=str)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    clock = SystemClock()
    queue = SqliteQueue(DataDir(Path(settings.shared.data_dir)).queue, clock)
    for subscription in subscriptions(settings):
        wanted = topology().subscriptions[subscription.name]
        queue.subscribe(msgspec.structs.replace(subscription, endpoint=urls[wanted.service] + wanted.path))
    dispatcher = PushDispatcher(queue, settings.shared.push_token, clock)
    interval_s = settings.segmenter.check_and_process_connections_interval_sec
    sweeps = [
        SweepTimer(urls[schedule.service] + schedule.path, settings.shared.push_token, interval_s)
        for schedule in topology().schedules.values()
    ]
    dispatcher.start()
    for sweep in sweeps:
        sweep.start()
    stopping.wait()
    for sweep in sweeps:
        sweep.stop(STOP_S)
    dispatcher.stop(STOP_S)
    queue.close()


if __name__ == "__main__":
    main()
