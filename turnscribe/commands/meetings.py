"""`turnscribe meetings`: list them."""

import argparse
import json
from collections.abc import Sequence
from itertools import islice

import msgspec

from turnscribe.client import Client
from turnscribe.columns import aligned
from turnscribe.commands.command import Commands, server_options, with_client
from turnscribe.meeting_schema import ListedMeeting


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "meetings",
        parents=[server_options()],
        help="list meetings, the newest first",
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage.",
    )
    command.add_argument(
        "--limit", type=int, default=50, metavar="N", help="how many at most; 0: all (default: %(default)s)"
    )
    command.set_defaults(run=with_client(_list))


def _list(client: Client, chosen: argparse.Namespace) -> int:
    found = list(islice(client.meetings.list(), chosen.limit or None))
    if chosen.json:
        print(json.dumps([msgspec.to_builtins(each) for each in found], ensure_ascii=False))
    else:
        print("\n".join(as_table(found)) if found else "There are no meetings.")
    return 0


def as_table(meetings: Sequence[ListedMeeting]) -> list[str]:
    """Aligned columns with a heading. Pure."""
    rows = [("OPENED", "STATE", "MEETING", "TITLE")]
    rows += [(each.opened_at, each.state, each.meeting_id, each.title) for each in meetings]
    return aligned(rows)
