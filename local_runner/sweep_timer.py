"""What Cloud Scheduler does in the cloud: `POST …/sweep` at a fixed interval."""

from typing import Final

import urllib3

from common.logs import get_logger
from common.settings import Secret
from local_runner.repeating import Repeating

log = get_logger(__name__)
_TIMEOUT: Final = urllib3.Timeout(connect=5, read=300)


class SweepTimer(Repeating):
    """Posts to `url` every `interval_s`, one request at a time; a failed one is logged and the next comes at its time."""

    def __init__(self, url: str, push_token: Secret, interval_s: float) -> None:
        super().__init__("sweep-timer", interval_s, self._sweep)
        self._url = url
        # Its own: timers are due together, and urllib3's common pool complains of every connection but one.
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._authorization = {"Authorization": f"Bearer {push_token.reveal()}"}

    def _sweep(self) -> None:
        try:
            response = self._http.request("POST", self._url, headers=self._authorization)
        except urllib3.exceptions.HTTPError as error:
            log.warning("sweep_failed", error_type=type(error).__name__)
            return
        if response.status >= 300:
            log.warning("sweep_failed", status=response.status)
