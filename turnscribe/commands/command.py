"""What the commands that speak to a server share: its address, the token, and how they fail."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn, TypeAlias

from turnscribe.client import Client
from turnscribe.credentials import DATA_DIR, TOKEN_VARIABLES, NoToken, find_token
from turnscribe.errors import TurnscribeClientError
from turnscribe.transport import RetryPolicy

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
PATIENCE_S: Final = 10.0
"""Somebody sits before the command and waits."""
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 -- argparse has no other name for it
Run = Callable[[argparse.Namespace], int]
"""What a command does with its options; returns the exit status."""


def server_options() -> argparse.ArgumentParser:
    """The options of every command that speaks to a server, as a parent of its parser."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--url", default="http://127.0.0.1:8080", help="the server (default: %(default)s)")
    options.add_argument("--token-file", type=Path, metavar="FILE", help="a file with the bearer token")
    options.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help=f"where `turnscribe serve` keeps its token (default: {' or '.join(TOKEN_VARIABLES)}, else {DATA_DIR})",
    )
    options.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    return options


def token_of(chosen: argparse.Namespace) -> str:
    """The token that `server_options` and the environment name. Raises `NoToken`."""
    return find_token(chosen.token_file, chosen.data_dir, os.environ)


def with_client(
    action: Callable[[Client, argparse.Namespace], int],
    patience_s: Callable[[argparse.Namespace], float] = lambda _: PATIENCE_S,
) -> Run:
    """`action` with a client of the server that `server_options` names; its errors become a line on standard error and a status."""

    def run(chosen: argparse.Namespace) -> int:
        try:
            token = token_of(chosen)
        except NoToken as error:
            return failed(error, EXIT_USAGE)
        try:
            with Client(chosen.url, token, retry=RetryPolicy(give_up_after_s=patience_s(chosen))) as client:
                return action(client, chosen)
        except TurnscribeClientError as error:
            return failed(error, EXIT_FAILED)

    return run


def failed(error: Exception, status: int) -> int:
    """Say why on standard error; returns `status`."""
    print(f"turnscribe: {error}", file=sys.stderr)
    return status


@contextmanager
def sigterm_is_ctrl_c() -> Iterator[None]:
    """Inside, SIGTERM raises `KeyboardInterrupt` as Ctrl-C does. For the main thread."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
