"""`turnscribe tokens`: its actions and options, and what they print. `turnscribe.tokens` asks the server."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Final, cast, get_args

import msgspec

from turnscribe.client import Client
from turnscribe.columns import aligned
from turnscribe.commands.command import EXIT_FAILED, Commands, Run, server_options, with_client
from turnscribe.errors import ProblemAnswer
from turnscribe.schema import Token
from turnscribe.tokens import ScopeName, Tokens

SCOPES: Final = get_args(ScopeName)


def _scopes(text: str) -> tuple[ScopeName, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in SCOPES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(SCOPES)}")
    return cast("tuple[ScopeName, ...]", names)


def add(commands: Commands) -> None:
    """The command, its actions and their options."""
    command = commands.add_parser(
        "tokens",
        help="give and take away access",
        description="Bearer tokens of uploaders and readers, each of one tenant. The server keeps their hashes alone.",
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage.",
    )
    common = server_options()
    common.add_argument(
        "--tenant", metavar="NAME", help="another tenant than one's own: for the operator, with API_TOKEN"
    )
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create", parents=[common], help="make one, and print it this once", description="Prints the token alone."
    )
    create.add_argument(
        "--scopes",
        type=_scopes,
        default=("ingest", "read"),
        metavar="A,B",
        help=(
            "what it allows: ingest (upload), read (transcripts), edit (titles, speakers' names), admin (tokens, dead letters) "
            "(default: ingest,read)"
        ),
    )
    create.add_argument("--label", default="", metavar="TEXT", help="what people call it")
    create.add_argument("--user", default="", metavar="ID", help="the tenant's user on whose behalf it uploads")
    create.set_defaults(run=with_client(_create))
    listing = actions.add_parser("list", parents=[common], help="all of them, disabled ones too")
    listing.set_defaults(run=with_client(_list))
    for what, switch in (("disable", Tokens.disable), ("enable", Tokens.enable)):
        switching = actions.add_parser(what, parents=[common], help=f"{what} some, within TOKEN_CACHE_SEC")
        switching.add_argument("ids", nargs="+", metavar="ID")
        switching.set_defaults(run=_switch(what, switch))


def _create(client: Client, chosen: argparse.Namespace) -> int:
    made = client.tokens.create(chosen.scopes, label=chosen.label, user_id=chosen.user, tenant=chosen.tenant)
    if chosen.json:
        _print_json(msgspec.to_builtins(made))
    else:
        print(made.token)
        told = f"token {made.id} of tenant {made.tenant}, for {', '.join(made.scopes)}; it is shown only now"
        print(f"turnscribe: {told}", file=sys.stderr)
    return 0


def _list(client: Client, chosen: argparse.Namespace) -> int:
    tokens = client.tokens.list(tenant=chosen.tenant)
    if chosen.json:
        _print_json(msgspec.to_builtins(tokens))
    else:
        print("\n".join(as_table(tokens)) if tokens else "There are no tokens.")
    return 0


def _switch(what: str, switch: Callable[..., Token]) -> Run:
    """Each on its own: one that is unknown holds up none."""

    def run(client: Client, chosen: argparse.Namespace) -> int:
        done: list[Token] = []
        failed: dict[str, str] = {}
        for token_id in chosen.ids:
            try:
                done.append(switch(client.tokens, token_id, tenant=chosen.tenant))
            except ProblemAnswer as error:
                failed[token_id] = str(error)
        if chosen.json:
            _print_json({"tokens": msgspec.to_builtins(done), "failed": failed})
        else:
            print(f"{len(done)} {what}d.")
            for token_id, why in failed.items():
                print(f"turnscribe: {token_id}: {why}", file=sys.stderr)
        return EXIT_FAILED if failed else 0

    return with_client(run)


def as_table(tokens: Sequence[Token]) -> list[str]:
    """Aligned columns with a heading. Pure."""
    rows = [("ID", "CREATED", "STATE", "SCOPES", "USER", "LABEL")]
    rows += [
        (
            each.id,
            each.created_at,
            "enabled" if each.enabled else "disabled",
            ",".join(each.scopes),
            each.user_id,
            each.label,
        )
        for each in tokens
    ]
    return aligned(rows)


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False))
