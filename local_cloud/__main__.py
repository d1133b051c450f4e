"""Command line: start the stack, say where everything is, keep it running until SIGTERM or Ctrl-C.

Ready, it prints where what runs: a table on a terminal, else one JSON line for programs,
`{"url", "read_url", "stats_url", "data_dir", "pid"}`. A service that ends is reported on standard error and not started again, so
that what happened can be looked at; the others go on. The first Ctrl-C stops in order, the second at once.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from common.logs import configure
from common.settings import SettingsError
from local_cloud.console import ended, table
from local_cloud.emulators import Missing, missing
from local_cloud.processes import Child, DidNotStart
from local_cloud.stack import Stack
from local_runner.data_dir import FolderInUse, lock_folder
from local_runner.lifetime import end_with_parent

EX_UNAVAILABLE: Final = 69
"""sysexits.h: a program that this needs is not installed."""
EX_SOFTWARE: Final = 70
EX_TEMPFAIL: Final = 75
EX_CONFIG: Final = 78
EXIT_INTERRUPTED: Final = 130
LOOK_S: Final = 0.5


class _Signals:
    """SIGTERM and Ctrl-C as exceptions in the main thread, counted."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._interrupt)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> NoReturn:
        self.count += 1
        raise KeyboardInterrupt


def _announce(stack: Stack, *, token_made: bool) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(table(stack, token_made=token_made))
    else:
        line = {
            "url": stack.ingest_url,
            "read_url": stack.read_url,
            "stats_url": stack.stats_url,
            "data_dir": str(stack.data_dir),
            "pid": os.getpid(),
        }
        sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _watch(stack: Stack) -> NoReturn:
    """Report, once each, what ends."""
    told: set[Child] = set()
    while True:
        for child in stack.children:
            if not child.is_running and child not in told:
                told.add(child)
                sys.stderr.write(ended(child))
                sys.stderr.flush()
        time.sleep(LOOK_S)


def _run(data_dir: Path, port: int | None, read_port: int | None) -> None:
    signals = _Signals()
    if sys.stdout.isatty():
        sys.stdout.write("Starting the emulators, Whisper and the services …\n")
    log_path = data_dir / "logs" / "stack.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("a") as log:
        configure("stack", stream=log)
        try:
            with Stack(data_dir, os.environ, port=port, read_port=read_port) as stack:
                _announce(stack, token_made=not os.environ.get("API_TOKEN"))
                _watch(stack)
        except KeyboardInterrupt:
            raise SystemExit(0 if signals.count == 1 else EXIT_INTERRUPTED) from None


def _fail(message: str, status: int) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    raise SystemExit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("DATA_DIR") or ".turnscribe/stack"),
        metavar="DIR",
        help="where logs, token and the emulators' files are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help="port for uploads on 127.0.0.1 (default: any that is free)"
    )
    parser.add_argument(
        "--read-port",
        type=int,
        metavar="N",
        help="port for transcripts and the page on 127.0.0.1 (default: any that is free)",
    )
    parser.add_argument(
        "--parent", type=int, metavar="PID", help="the process that starts this one: end at once when it ends"
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run until told to stop. Exits 69 when a program is missing, 70 when one does not start, 75 when the folder is in use, 78 on
    bad settings, 130 when stopped at once.
    """
    options = _parser().parse_args(arguments)
    os.umask(
        0o077
    )  # logs, token, and the bucket with its recordings are their owner's: also what the child processes write
    if options.parent:
        end_with_parent(options.parent, signal.SIGKILL)
    if problems := missing(os.environ):
        _fail("\n".join(problems), EX_UNAVAILABLE)
    try:
        with lock_folder(options.data_dir):
            _run(options.data_dir, options.port, options.read_port)
    except SettingsError as error:
        _fail(str(error), EX_CONFIG)
    except FolderInUse as error:
        _fail(str(error), EX_TEMPFAIL)
    except Missing as error:
        _fail(str(error), EX_UNAVAILABLE)
    except DidNotStart as error:
        _fail(str(error), EX_SOFTWARE)


if __name__ == "__main__":
    main()
