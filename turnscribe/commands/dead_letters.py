"""`turnscribe deadletters`: its actions and their options. What they do stands in `turnscribe.dead_letters`."""

import argparse

from turnscribe.client import Client
from turnscribe.commands.command import Commands, server_options, with_client
from turnscribe.dead_letters import (
    list_dead_letters,
    replay_all_dead_letters,
    replay_dead_letters,
    show_dead_letter,
)


def add(commands: Commands) -> None:
    """The command, its actions and their options."""
    command = commands.add_parser(
        "deadletters",
        help="see what no service could handle, and have it published again",
        description="Messages that failed too often are kept with the reason. See them, and replay them once the fault is mended.",
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage.",
    )
    common = server_options()
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[common], help="all of them")
    listing.set_defaults(run=with_client(lambda client, chosen: list_dead_letters(client, as_json=chosen.json)))
    show = actions.add_parser("show", parents=[common], help="one of them, with its event")
    show.add_argument("id", metavar="ID")
    show.set_defaults(run=with_client(lambda client, chosen: show_dead_letter(client, chosen.id, as_json=chosen.json)))
    replay = actions.add_parser("replay", parents=[common], help="have some or all published again")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", nargs="*", default=[], metavar="ID")
    which.add_argument("--all", action="store_true", help="all of them")
    replay.set_defaults(run=with_client(_replay))


def _replay(client: Client, chosen: argparse.Namespace) -> int:
    if chosen.all:
        return replay_all_dead_letters(client, as_json=chosen.json)
    return replay_dead_letters(client, chosen.ids, as_json=chosen.json)
