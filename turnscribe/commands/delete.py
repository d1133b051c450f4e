"""`turnscribe delete MEETING`: everything of a meeting goes, and with `--wait` it is waited until nothing of it is found."""

import argparse
import json
import sys
import time

import msgspec

from turnscribe.client import Client
from turnscribe.commands.command import EXIT_USAGE, Commands, server_options, with_client
from turnscribe.meeting_schema import Deletion
from turnscribe.meetings import finished


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "delete",
        parents=[server_options()],
        help="delete a meeting: audio, segments, transcript",
        description="Deletes everything of a meeting, for good. It goes on by itself once it has begun.",
        epilog="Exit status: 0 it has begun, with --wait: nothing is left; 1 something failed, 2 bad usage.",
    )
    command.add_argument("meeting", metavar="MEETING")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("--wait", action="store_true", help="until nothing of it is found any more")
    command.set_defaults(run=_delete)


def _delete(chosen: argparse.Namespace) -> int:
    if not chosen.yes and not _is_sure(chosen.meeting):
        print("turnscribe: nothing was deleted; --yes does it without asking", file=sys.stderr)
        return EXIT_USAGE
    return with_client(_begin)(chosen)


def _begin(client: Client, chosen: argparse.Namespace) -> int:
    begun = client.meetings.delete(chosen.meeting)
    done = finished(lambda: client.meetings.deletion(begun.deletion_id), time.sleep) if chosen.wait else begun
    print(json.dumps(msgspec.to_builtins(done)) if chosen.json else as_line(done))
    return 0


def _is_sure(meeting: str) -> bool:
    """Asked only where somebody can answer."""
    if not sys.stdin.isatty():
        return False
    print(f"Delete everything of {meeting}, for good? Type its id: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == meeting


def as_line(deletion: Deletion) -> str:
    """What is said of it. Pure."""
    if deletion.complete:
        return f"{deletion.meeting_id}: nothing is left ({deletion.deletion_id}, {deletion.completed_at})."
    left = deletion.left
    counts = (
        (left.objects, "uploaded objects"),
        (left.segments, "made of them"),
        (left.hot_state, "connections with hot state"),
        (left.records, "records"),
    )
    what = ", ".join(f"{count} {name}" for count, name in counts if count) or "a last look"
    return f"{deletion.meeting_id}: being deleted ({deletion.deletion_id}); left: {what}."
