"""`turnscribe webhooks`: have transcripts sent somewhere."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from turnscribe.client import Client
from turnscribe.columns import aligned
from turnscribe.commands.command import EXIT_FAILED, Commands, Run, server_options, with_client
from turnscribe.errors import ProblemAnswer
from turnscribe.webhook_receivers import PingResult, Webhook, WebhookWithSecret

EVENTS: Final = ("transcript.segment", "meeting.completed")
Action = Callable[[Client, str], Webhook | PingResult | None]


def add(commands: Commands) -> None:
    """The command, its actions and their options."""
    command = commands.add_parser(
        "webhooks",
        help="have transcripts sent somewhere",
        description="Signed messages about a tenant's meetings, by the Standard Webhooks specification.",
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage.",
    )
    common = server_options()
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create",
        parents=[common],
        help="make one, and print its secret this once",
        description="Prints the secret alone.",
    )
    create.add_argument("address", metavar="URL", help="where messages are posted: https, on the public Internet")
    create.add_argument(
        "--event",
        action="append",
        choices=EVENTS,
        dest="events",
        metavar="TYPE",
        help=f"what it is told, may be repeated: {', '.join(EVENTS)} (default: everything)",
    )
    create.add_argument("--provisional", action="store_true", help="live revisions of segments too")
    create.set_defaults(run=with_client(_create))
    listing = actions.add_parser("list", parents=[common], help="all of them, and how they bear up")
    listing.set_defaults(run=with_client(_list))
    secret = actions.add_parser("secret", parents=[common], help="give one a new secret; the old one holds for a day")
    secret.add_argument("id", metavar="ID")
    secret.set_defaults(run=with_client(_rotate))
    each: dict[str, tuple[str, Action]] = {
        "enable": ("send to them again", lambda client, of: client.webhooks.change(of, enabled=True)),
        "disable": ("send nothing to them", lambda client, of: client.webhooks.change(of, enabled=False)),
        "delete": ("forget them, and what they wait for", lambda client, of: client.webhooks.delete(of)),
        "test": ("send them a ping", lambda client, of: client.webhooks.test(of)),
    }
    for name, (told, action) in each.items():
        switching = actions.add_parser(name, parents=[common], help=told)
        switching.add_argument("ids", nargs="+", metavar="ID")
        switching.set_defaults(run=_each(name, action))


def _create(client: Client, chosen: argparse.Namespace) -> int:
    return _tell_secret(
        client.webhooks.create(chosen.address, events=chosen.events, provisional=chosen.provisional),
        as_json=chosen.json,
    )


def _rotate(client: Client, chosen: argparse.Namespace) -> int:
    return _tell_secret(client.webhooks.rotate_secret(chosen.id), as_json=chosen.json)


def _tell_secret(made: WebhookWithSecret, *, as_json: bool) -> int:
    if as_json:
        _print_json(msgspec.to_builtins(made))
    else:
        print(made.secret)
        print(f"turnscribe: secret of webhook {made.id} for {made.url}; it is shown only now", file=sys.stderr)
    return 0


def _list(client: Client, chosen: argparse.Namespace) -> int:
    webhooks = client.webhooks.list()
    if chosen.json:
        _print_json(msgspec.to_builtins(webhooks))
    else:
        print("\n".join(as_table(webhooks)) if webhooks else "There are no webhooks.")
    return 0


def _each(name: str, action: Action) -> Run:
    """Each on its own: one that is unknown holds up none."""

    def run(client: Client, chosen: argparse.Namespace) -> int:
        done: list[str] = []
        failed: dict[str, str] = {}
        for webhook_id in chosen.ids:
            try:
                result = action(client, webhook_id)
            except ProblemAnswer as error:
                failed[webhook_id] = str(error)
                continue
            if isinstance(result, PingResult) and not result.delivered:
                failed[webhook_id] = f"was not delivered: {result.reason}"
            else:
                done.append(webhook_id)
        if chosen.json:
            _print_json({"done": done, "failed": failed})
        else:
            print(f"{name}: {len(done)} done.")
            for webhook_id, why in failed.items():
                print(f"turnscribe: {webhook_id}: {why}", file=sys.stderr)
        return EXIT_FAILED if failed else 0

    return with_client(run)


def as_table(webhooks: Sequence[Webhook]) -> list[str]:
    """Aligned columns with a heading. Pure."""
    rows = [("ID", "CREATED", "STATE", "EVENTS", "URL")]
    rows += [(each.id, each.created_at, _state(each), _events(each), each.url) for each in webhooks]
    return aligned(rows)


def _state(webhook: Webhook) -> str:
    if not webhook.enabled:
        return f"disabled ({webhook.disabled_because})"
    return f"failing since {webhook.failing_since}" if webhook.failing_since else "enabled"


def _events(webhook: Webhook) -> str:
    return ",".join((*webhook.events, *(("provisional",) if webhook.provisional else ())))


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False))
