"""What every service's bootstrap does first: settings or a clean exit, and readiness that says no once SIGTERM came."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Final, Generic

from common import logs, tracing
from common.clock import SystemClock
from common.health import Drain
from common.settings import S, SettingsError, as_logged, load

EX_CONFIG: Final = 78
"""sysexits: something in the configuration is wrong."""


@dataclass(frozen=True, slots=True)
class Started(Generic[S]):
    """What a service has before it has any adapter."""

    settings: S
    clock: SystemClock
    drain: Drain


def started(service: str, cls: type[S], environ: Mapping[str, str]) -> Started[S]:
    """Read the settings, set up logs and traces, write the settings into the log, and drain on SIGTERM. Call it in the main thread."""
    settings = settings_or_exit(cls, environ)
    logs.configure(service, settings.log_level, project=settings.google_cloud_project)
    logs.get_logger(__name__).info("starting", **as_logged(settings))
    try:
        tracing.set_up(settings)
    except SettingsError as error:
        raise _refused(error) from error
    drain = Drain()
    drain_on_sigterm(drain)
    return Started(settings, SystemClock(), drain)


def settings_or_exit(cls: type[S], environ: Mapping[str, str]) -> S:
    """The settings; or one line on standard error for each variable that is wrong, and `SystemExit`."""
    try:
        return load(cls, environ)
    except SettingsError as error:
        raise _refused(error) from error


def _refused(error: SettingsError) -> SystemExit:
    print(error, file=sys.stderr)
    return SystemExit(EX_CONFIG)


def drain_on_sigterm(drain: Drain) -> None:
    """Start `drain` when SIGTERM comes, then do what the server does on SIGTERM. Call it in the main thread."""
    server_s_own = signal.getsignal(signal.SIGTERM)

    def begin(number: int, frame: FrameType | None) -> None:
        drain.start()
        if callable(server_s_own):
            server_s_own(number, frame)
        elif server_s_own is signal.SIG_DFL:
            raise SystemExit(0)

    signal.signal(signal.SIGTERM, begin)
