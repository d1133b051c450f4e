"""`turnscribe serve`: its options. What it does stands in `turnscribe.local_server`."""

import argparse
import sys
from pathlib import Path

from turnscribe.commands.command import Commands
from turnscribe.local_server import LocalServerFailed, serve


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "serve",
        help="serve uploads and transcripts on this machine",
        description="Run the three services and Whisper on this machine until Ctrl-C. Settings come from the environment.",
    )
    command.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".turnscribe"),
        metavar="DIR",
        help="where everything is kept (default: %(default)s)",
    )
    command.add_argument("--port", type=int, default=8080, metavar="N", help="port on 127.0.0.1 (default: %(default)s)")
    command.set_defaults(run=_serve)


def _serve(arguments: argparse.Namespace) -> int:
    try:
        serve(arguments.data_dir, arguments.port)
    except LocalServerFailed as error:
        print(f"turnscribe: {error}", file=sys.stderr)
    return 1
