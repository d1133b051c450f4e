"""The command `turnscribe`: its subcommands and their options. What they do stands elsewhere."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from turnscribe import __version__
from turnscribe.client import Client
from turnscribe.credentials import DATA_DIR, TOKEN_VARIABLES, NoToken, find_token
from turnscribe.dead_letters import (
    EXIT_FAILED,
    list_dead_letters,
    replay_all_dead_letters,
    replay_dead_letters,
    show_dead_letter,
)
from turnscribe.demo.command import DemoOptions, run_demo
from turnscribe.errors import TurnscribeClientError
from turnscribe.local_server import LocalServerFailed, serve
from turnscribe.transport import RetryPolicy

EXIT_USAGE: Final = 2
PATIENCE_S: Final = 10.0
"""Somebody sits before the command and waits."""
Run = Callable[[argparse.Namespace], int]


def _speed(value: str) -> float:
    speed = float(value)
    if speed < 0:
        raise ValueError(value)
    return speed


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo",
        help="play a recording to services started on this machine and show the transcript",
        description=(
            "Start the three services and Whisper on this machine, play a recording to them as a browser would, show the "
            "transcript growing, and measure it. Interrupted (Ctrl-C, kill -9), the same command goes on where it was."
        ),
        epilog="Exit status: 0 all well, 1 something was lost or failed, 2 bad input, 130 interrupted.",
    )
    demo.add_argument(
        "--audio",
        type=Path,
        metavar="FILE",
        help="a webm, ogg, wav, mp3, flac or m4a file (default: a conversation that comes along)",
    )
    demo.add_argument(
        "--speakers",
        type=Path,
        metavar="FILE.json",
        help='who spoke when: {"turns": [{"speaker", "start", "end", "text"?}, …]}, in seconds',
    )
    demo.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object with the measurements, and nothing else, on standard output",
    )
    demo.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".turnscribe/demo"),
        metavar="DIR",
        help="where everything is kept (default: %(default)s)",
    )
    demo.add_argument(
        "--speed",
        type=_speed,
        default=3.0,
        metavar="X",
        help="times faster than real time; 0 is as fast as possible (default: %(default)g)",
    )
    demo.add_argument(
        "--stack",
        action="store_true",
        help=(
            "run the services as in production, each a process of its own, on emulators of Google Cloud and a redis-server; "
            "emulators forget, so such a run always begins anew"
        ),
    )
    demo.add_argument("--port", type=int, metavar="N", help="port on 127.0.0.1 (default: any that is free)")
    demo.add_argument("--keep", action="store_true", help="go on serving the transcript until Ctrl-C")
    demo.add_argument(
        "--timeout",
        type=float,
        default=180.0,
        metavar="S",
        help="give up when nothing has changed for so many seconds (default: %(default)g)",
    )
    demo.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    return run_demo(
        DemoOptions(
            audio=arguments.audio,
            speakers=arguments.speakers,
            json=arguments.json,
            data_dir=arguments.data_dir,
            speed=arguments.speed,
            port=arguments.port,
            keep=arguments.keep,
            timeout_s=arguments.timeout,
            stack=arguments.stack,
        )
    )


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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


def _add_dead_letters(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "deadletters",
        help="see what no service could handle, and have it published again",
        description="Messages that failed too often are kept with the reason. See them, and replay them once the fault is mended.",
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", default="http://127.0.0.1:8080", help="the server (default: %(default)s)")
    common.add_argument("--token-file", type=Path, metavar="FILE", help="a file with the bearer token")
    common.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help=f"where `turnscribe serve` keeps its token (default: {' or '.join(TOKEN_VARIABLES)}, else {DATA_DIR})",
    )
    common.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[common], help="all of them")
    listing.set_defaults(run=_with_client(lambda client, chosen: list_dead_letters(client, as_json=chosen.json)))
    show = actions.add_parser("show", parents=[common], help="one of them, with its event")
    show.add_argument("id", metavar="ID")
    show.set_defaults(run=_with_client(lambda client, chosen: show_dead_letter(client, chosen.id, as_json=chosen.json)))
    replay = actions.add_parser("replay", parents=[common], help="have some or all published again")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", nargs="*", default=[], metavar="ID")
    which.add_argument("--all", action="store_true", help="all of them")
    replay.set_defaults(run=_with_client(_replay))


def _replay(client: Client, chosen: argparse.Namespace) -> int:
    if chosen.all:
        return replay_all_dead_letters(client, as_json=chosen.json)
    return replay_dead_letters(client, chosen.ids, as_json=chosen.json)


def _with_client(action: Callable[[Client, argparse.Namespace], int]) -> Run:
    def run(chosen: argparse.Namespace) -> int:
        try:
            token = find_token(chosen.token_file, chosen.data_dir, os.environ)
        except NoToken as error:
            return _failed(error, EXIT_USAGE)
        try:
            with Client(chosen.url, token, retry=RetryPolicy(give_up_after_s=PATIENCE_S)) as client:
                return action(client, chosen)
        except TurnscribeClientError as error:
            return _failed(error, EXIT_FAILED)

    return run


def _failed(error: Exception, status: int) -> int:
    print(f"turnscribe: {error}", file=sys.stderr)
    return status


def parser() -> argparse.ArgumentParser:
    """All options."""
    root = argparse.ArgumentParser(
        prog="turnscribe", description="Live or recorded speech in, speaker-attributed transcripts out."
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_serve(commands)
    _add_dead_letters(commands)
    return root


def main(arguments: list[str] | None = None) -> None:
    """Entry point; exits with the subcommand's status."""
    chosen = parser().parse_args(arguments)
    run: Run = chosen.run
    sys.exit(run(chosen))
