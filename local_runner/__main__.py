"""Command line: read the settings, take the folder's lock, serve until SIGTERM or Ctrl-C.

Prints one JSON line when it listens, `{"url", "data_dir", "pid"}`; logs go to standard error.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from common import tracing
from common.logs import configure, get_logger
from common.native_memory import share_arenas
from common.settings import SettingsError, as_logged, load
from local_runner.data_dir import FolderInUse, keep_token, lock_folder
from local_runner.lifetime import end_with_parent
from local_runner.server import LocalServer
from local_runner.settings import RunnerSettings, SharedSettings, load_runner_settings

EX_CONFIG = 78
"""sysexits.h: something is wrong with the configuration."""
EX_TEMPFAIL = 75


def _announce(settings: RunnerSettings) -> None:
    line = {"url": settings.url, "data_dir": str(Path(settings.shared.data_dir).resolve()), "pid": os.getpid()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _serve(settings: RunnerSettings) -> None:
    configure("local", settings.shared.log_level, sys.stderr, project=settings.shared.google_cloud_project)
    tracing.set_up(settings.shared)
    log = get_logger(__name__)
    log.info("settings", **{name: value for part in settings.parts for name, value in as_logged(part).items()})
    LocalServer(settings, when_listening=lambda: _announce(settings)).run()


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop. Exits 78 on bad settings, 75 when another runner has the folder."""
    parser = argparse.ArgumentParser(prog="python -m local_runner", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--parent", type=int, metavar="PID", help="the process that starts this one: end at once when it ends"
    )
    options = parser.parse_args(arguments)
    if options.parent:
        end_with_parent(options.parent, signal.SIGKILL)
    share_arenas(os.environ)
    try:
        data_dir = Path(load(SharedSettings, os.environ).data_dir)
        with lock_folder(data_dir):
            _serve(load_runner_settings(os.environ, token=lambda: keep_token(data_dir)))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(EX_CONFIG) from None
    except FolderInUse as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(EX_TEMPFAIL) from None


if __name__ == "__main__":
    main()
