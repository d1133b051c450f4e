"""`turnscribe deadletters`: what is printed, and with which status it ends. `turnscribe.client` asks the server."""

import json
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from turnscribe.client import Client
from turnscribe.columns import aligned
from turnscribe.errors import ProblemAnswer
from turnscribe.schema import DeadLetter, ShownDeadLetter

EXIT_FAILED: Final = 1


def list_dead_letters(client: Client, *, as_json: bool) -> int:
    """All of them, in the order in which their messages were published: an array, or aligned columns."""
    letters = list(client.dead_letters())
    if as_json:
        _print_json([msgspec.structs.asdict(letter) for letter in letters])
    elif letters:
        print("\n".join(as_table(letters)))
    else:
        print("There are no dead letters.")
    return 0


def show_dead_letter(client: Client, letter_id: str, *, as_json: bool) -> int:
    """Everything that is known of one, its event too."""
    letter = client.dead_letter(letter_id)
    if as_json:
        _print_json(msgspec.structs.asdict(letter))
    else:
        print("\n".join(as_lines(letter)))
    return 0


def replay_dead_letters(client: Client, ids: Sequence[str], *, as_json: bool) -> int:
    """Have some published again, each on its own: one that the server refuses holds up none."""
    replayed: list[str] = []
    failed: dict[str, str] = {}
    for letter_id in ids:
        try:
            client.replay_dead_letter(letter_id)
        except ProblemAnswer as error:
            failed[letter_id] = str(error)
        else:
            replayed.append(letter_id)
    return _tell(len(replayed), failed, as_json=as_json)


def replay_all_dead_letters(client: Client, *, as_json: bool) -> int:
    """Have all published again. Those that the server can't read as events stay."""
    done = client.replay_dead_letters()
    return _tell(done.replayed, dict.fromkeys(done.unreadable, "is no event that the server can read"), as_json=as_json)


def as_table(letters: Sequence[DeadLetter]) -> list[str]:
    """Aligned columns with a heading. Pure."""
    rows = [("ID", "DIED", "EVENT", "CONNECTION", "REASON")]
    rows += [(each.id, each.died_at, each.type, each.connection_id, each.reason) for each in letters]
    return aligned(rows)


def as_lines(letter: ShownDeadLetter) -> list[str]:
    """Names and values, then the event. Pure."""
    rows = {
        "id": letter.id,
        "event": letter.type,
        "meeting": letter.meeting_id,
        "connection": letter.connection_id,
        "reason": letter.reason,
        "detail": letter.detail,
        "died": letter.died_at,
        "subscription": letter.subscription,
        "attempts": "unknown" if letter.attempts is None else str(letter.attempts),
        "message": letter.message_id,
    }
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {value}" for name, value in rows.items()]
    lines += [f"{'attributes':<{width}}  {_json(dict(letter.attributes), indent=None)}", ""]
    return [*lines, _json(letter.event) if letter.data is None else f"no JSON; in base64: {letter.data}"]


def _tell(replayed: int, failed: dict[str, str], *, as_json: bool) -> int:
    if as_json:
        _print_json({"replayed": replayed, "failed": failed})
    else:
        print(f"{replayed} published again.")
        for letter_id, why in failed.items():
            print(f"turnscribe: {letter_id}: {why}", file=sys.stderr)
    return EXIT_FAILED if failed else 0


def _json(document: object, indent: int | None = 2) -> str:
    return json.dumps(document, ensure_ascii=False, indent=indent)


def _print_json(document: object) -> None:
    print(_json(document, indent=None))
