"""`turnscribe watch`: its options, what it prints, and with which status it ends."""

import argparse
import sys
from typing import Final

import msgspec

from turnscribe.client import Client
from turnscribe.commands.command import EXIT_FAILED, Commands, server_options, sigterm_is_ctrl_c, with_client
from turnscribe.live_events import LiveEvent, MeetingDeleted
from turnscribe.watch_views import Watched, WatchView, choose_watch_view

EXIT_INTERRUPTED: Final = 130
TIMEOUT_S: Final = 600.0


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "watch",
        parents=[server_options()],
        help="show a meeting's transcript while it grows",
        description=(
            "Print what is said, as it is said: in a terminal redrawn, with what may still change dim; else each utterance as a line, once "
            "it is final. With --json every event as a line of JSON. Ends when the transcript is complete."
        ),
        epilog="Exit status: 0 all well, 1 something failed or the meeting was deleted, 2 bad usage, 130 stopped by Ctrl-C.",
    )
    command.add_argument("meeting", metavar="MEETING", help="the meeting's id")
    command.add_argument(
        "--follow", action="store_true", help="stay when the transcript is complete: there may be another stream"
    )
    command.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="S",
        help="give up when the server was out of reach for so many seconds (default: %(default)g)",
    )
    command.set_defaults(run=with_client(_watch, lambda chosen: float(chosen.timeout)))


def _watch(client: Client, chosen: argparse.Namespace) -> int:
    watched = Watched()
    view: WatchView = _JsonLines() if chosen.json else choose_watch_view()
    try:
        with sigterm_is_ctrl_c(), client.live(chosen.meeting) as events:
            for event in events:
                view.take(event)
                if isinstance(event, MeetingDeleted):
                    print("turnscribe: the meeting was deleted", file=sys.stderr)
                    return EXIT_FAILED
                watched.take(event)
                if watched.is_all_there and not chosen.follow:
                    return 0
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        view.close()
    return 0


class _JsonLines:
    """Every event as a line, with its name."""

    def take(self, event: LiveEvent) -> None:
        print(
            msgspec.json.encode({"event": type(event).__name__, **msgspec.structs.asdict(event)}).decode(), flush=True
        )

    def close(self) -> None:
        pass
