"""`turnscribe replay MEETING`: everything is rebuilt from the chunks that were uploaded."""

import argparse
import json
import time

import msgspec

from turnscribe.client import Client
from turnscribe.commands.command import Commands, server_options, with_client
from turnscribe.meeting_schema import Replay
from turnscribe.meetings import finished


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "replay",
        parents=[server_options()],
        help="rebuild a meeting from its uploaded chunks",
        description="Decodes, cuts and transcribes a meeting anew. What is there is shown until it is replaced.",
        epilog="Exit status: 0 it has begun, with --wait: it is done; 1 something failed, 2 bad usage.",
    )
    command.add_argument("meeting", metavar="MEETING")
    command.add_argument("--wait", action="store_true", help="until all of it is transcribed")
    command.set_defaults(run=with_client(_replay))


def _replay(client: Client, chosen: argparse.Namespace) -> int:
    begun = client.meetings.replay(chosen.meeting)
    done = finished(lambda: client.meetings.replay_state(chosen.meeting), time.sleep) if chosen.wait else begun
    print(json.dumps(msgspec.to_builtins(done)) if chosen.json else as_line(done))
    return 0


def as_line(replay: Replay) -> str:
    """What is said of it. Pure."""
    segments = sum(each.segments for each in replay.streams)
    if replay.state == "complete":
        return f"{replay.meeting_id}: rebuilt, {segments} segments."
    return f"{replay.meeting_id}: being rebuilt, {segments} segments so far."
