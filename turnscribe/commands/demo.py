"""`turnscribe demo`: its options. What it does stands in `turnscribe.demo`."""

import argparse
from pathlib import Path

from turnscribe.commands.command import Commands
from turnscribe.demo.command import DemoOptions, run_demo


def _speed(value: str) -> float:
    speed = float(value)
    if speed < 0:
        raise ValueError(value)
    return speed


def add(commands: Commands) -> None:
    """The command and its options."""
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
