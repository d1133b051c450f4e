"""What Cloud Scheduler does in the cloud: `POST …/sweep` at a fixed interval."""

import threading

import urllib3

from common.logs import get_logger
from common.settings import Secret

log = get_logger(__name__)


class SweepTimer:
    """Posts to `url` every `interval_s`, one request at a time; a failed one is logged and the next comes at its time."""

    def __init__(self, url: str, push_token: Secret, interval_s: float) -> None:
        self._url = url
        self._authorization = {"Authorization": f"Bearer {push_token.reveal()}"}
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep-timer", daemon=True)

    def start(self) -> None:
        """Begin; the first sweep comes after one interval. Starts once."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Sweep no more; wait for the one under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=300)) as pool:
            while not self._stopping.wait(self._interval_s):
                self._sweep(pool)

    def _sweep(self, pool: urllib3.PoolManager) -> None:
        try:
            response = pool.request("POST", self._url, headers=self._authorization)
        except urllib3.exceptions.HTTPError as error:
            log.warning("sweep_failed", error_type=type(error).__name__)
            return
        if response.status >= 300:
            log.warning("sweep_failed", status=response.status)
