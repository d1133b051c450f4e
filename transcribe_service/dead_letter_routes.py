"""`/v1/deadletters`: look at what failed too often, and have it published again. Of all services, for they share the bucket.

Routes only translate; `common.dead_letters` decides. A letter's event may name speakers: it is behind the token, and never logged.
"""

from typing import Final

import msgspec
from flask import Blueprint, Response, request

from common.auth import TokenVerifier, principal, require_bearer
from common.dead_letters import DeadLetter, DeadLetters, Entry
from common.errors import Permanent
from common.ids import InvalidId
from common.json_input import UNREADABLE_JSON
from common.object_names import checked_dead_letter_id
from common.ports.blob_store import BlobNotFound
from common.ports.publisher import Publisher
from common.ports.token_store import Scope
from common.problems import Problem

MOST: Final = 500
"""Letters in one answer of the list."""
MOST_REPLAYED: Final = 100
"""Letters that one request replays: each takes a read, a publication and a deletion."""


class _Shown(Entry, frozen=True, kw_only=True):
    """One letter with everything that is known of it."""

    subscription: str
    attempts: int | None
    message_id: str
    attributes: dict[str, str]
    event: msgspec.Raw | None
    """The message's data where it is JSON."""
    data: bytes | None
    """In base64, where it is not."""


def dead_letters_blueprint(dead_letters: DeadLetters, publisher: Publisher, tokens: TokenVerifier) -> Blueprint:
    """`GET /v1/deadletters`, `GET /v1/deadletters/{id}`, `POST /v1/deadletters/{id}/replay`, `POST /v1/deadletters/replay`."""
    routes = Blueprint("dead_letters", __name__, url_prefix="/v1/deadletters")
    routes.before_request(require_bearer(tokens, Scope.ADMIN))

    @routes.get("")
    def list_letters() -> Response:
        return _json(dead_letters.page(principal().tenant, limit=_limit(100, MOST), after=_after()))

    @routes.get("/<letter_id>")
    def show(letter_id: str) -> Response:
        try:
            return _json(_shown(*dead_letters.read(principal().tenant, letter_id)))
        except BlobNotFound:
            raise _unknown() from None

    @routes.post("/<letter_id>/replay")
    def replay(letter_id: str) -> Response:
        try:
            dead_letters.replay(principal().tenant, letter_id, publisher)
        except BlobNotFound:
            raise _unknown() from None
        except InvalidId:
            raise
        except Permanent as error:
            raise Problem(409, "unreadable-event", f"This release can't read the event: {error}") from None
        return _json({"id": letter_id, "status": "replayed"})

    @routes.post("/replay")
    def replay_all() -> Response:
        limit = _limit(MOST_REPLAYED, MOST_REPLAYED)
        return _json(dead_letters.replay_page(principal().tenant, publisher, limit=limit, after=_after()))

    return routes


def _shown(entry: Entry, letter: DeadLetter) -> _Shown:
    try:
        msgspec.json.decode(letter.data)
        event = msgspec.Raw(letter.data)
    except UNREADABLE_JSON:
        event = None
    return _Shown(
        **msgspec.structs.asdict(entry),
        subscription=letter.subscription,
        attempts=letter.attempts,
        message_id=letter.message_id,
        attributes=dict(letter.attributes),
        event=event,
        data=letter.data if event is None else None,
    )


def _limit(default: int, most: int) -> int:
    value = request.args.get("limit", str(default))
    if value.isascii() and value.isdecimal() and len(value) < 10 and 1 <= int(value) <= most:
        return int(value)
    raise Problem(400, "invalid-parameter", f"limit must be a number from 1 to {most}.", parameter="limit")


def _after() -> str:
    value = request.args.get("after", "")
    return checked_dead_letter_id(value) if value else ""


def _unknown() -> Problem:
    return Problem(404, "unknown-dead-letter", "There is no dead letter with this id; perhaps it was replayed.")


def _json(document: object) -> Response:
    response = Response(msgspec.json.encode(document), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
