"""`/v1/deadletters`: look at what failed too often, and have it published again. Of all services, for they share the bucket.

Routes only translate; `common.dead_letters` decides. A letter's event may name speakers: it is behind the token, and never logged.
"""

from typing import Annotated, Final, Literal

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from common.auth import TokenVerifier, principal, require_bearer
from common.dead_letters import DeadLetter, DeadLetters, Entry, Page, Replayed
from common.errors import Permanent
from common.ids import InvalidId
from common.json_input import UNREADABLE_JSON
from common.object_names import checked_dead_letter_id
from common.openapi.described import Parameter, described, json_answer, named
from common.ports.blob_store import BlobNotFound
from common.ports.publisher import Publisher
from common.ports.token_store import Scope
from common.problems import Problem

DEFAULT: Final = 100
MOST: Final = 500
"""Letters in one answer of the list."""
MOST_REPLAYED: Final = 100
"""Letters that one request replays: each takes a read, a publication and a deletion."""


class ShownDeadLetter(Entry, frozen=True, kw_only=True):
    """One letter with everything that is known of it."""

    subscription: str
    attempts: int | None
    message_id: str
    attributes: dict[str, str]
    event: msgspec.Raw | None
    """The message's data where it is JSON."""
    data: bytes | None
    """In base64, where it is not."""


class ReplayedDeadLetter(msgspec.Struct, frozen=True):
    """It was published again, and is gone from here."""

    id: str
    status: Literal["replayed"]


LetterId = Annotated[str, Meta(pattern="^[0-9]{14}-[0-9a-f]{32}$")]
"""As `common.object_names` checks it."""
LETTER: Final = Parameter("letter_id", LetterId, "Its id, as the list has it.", where="path")
AFTER: Final = Parameter("after", LetterId, "Begin behind this id: `next` of the page before.")


def _limit_parameter(default: int, most: int) -> Parameter:
    kind = Annotated[int, Meta(ge=1, le=most, extra_json_schema={"default": default})]
    return Parameter("limit", kind, "How many at most.")


def dead_letters_blueprint(dead_letters: DeadLetters, publisher: Publisher, tokens: TokenVerifier) -> Blueprint:
    """`GET /v1/deadletters`, `GET /v1/deadletters/{id}`, `POST /v1/deadletters/{id}/replay`, `POST /v1/deadletters/replay`."""
    routes = Blueprint("dead_letters", __name__, url_prefix="/v1/deadletters")
    routes.before_request(require_bearer(tokens, Scope.ADMIN))

    @routes.get("")
    @described(
        "What no service could handle, however often it came",
        parameters=named(_limit_parameter(DEFAULT, MOST), AFTER),
        answers={200: json_answer(Page, "In the order of publishing.")},
        scopes=(Scope.ADMIN,),
    )
    def list_letters() -> Response:
        return _json(dead_letters.page(principal().tenant, limit=_limit(DEFAULT, MOST), after=_after()))

    @routes.get("/<letter_id>")
    @described(
        "One dead letter with its event",
        parameters=named(LETTER),
        answers={200: json_answer(ShownDeadLetter, "It may name speakers.")},
        scopes=(Scope.ADMIN,),
    )
    def show(letter_id: str) -> Response:
        try:
            return _json(_shown(*dead_letters.read(principal().tenant, letter_id)))
        except BlobNotFound:
            raise _unknown() from None

    @routes.post("/<letter_id>/replay")
    @described(
        "Publish one again",
        parameters=named(LETTER),
        answers={200: json_answer(ReplayedDeadLetter, "Done.")},
        problems=(409,),
        scopes=(Scope.ADMIN,),
    )
    def replay(letter_id: str) -> Response:
        try:
            dead_letters.replay(principal().tenant, letter_id, publisher)
        except BlobNotFound:
            raise _unknown() from None
        except InvalidId:
            raise
        except Permanent as error:
            raise Problem(409, "unreadable-event", f"This release can't read the event: {error}") from None
        return _json(ReplayedDeadLetter(letter_id, "replayed"))

    @routes.post("/replay")
    @described(
        "Publish many again",
        parameters=named(_limit_parameter(MOST_REPLAYED, MOST_REPLAYED), AFTER),
        answers={200: json_answer(Replayed, "How many were, and where to go on.")},
        scopes=(Scope.ADMIN,),
    )
    def replay_all() -> Response:
        limit = _limit(MOST_REPLAYED, MOST_REPLAYED)
        return _json(dead_letters.replay_page(principal().tenant, publisher, limit=limit, after=_after()))

    return routes


def _shown(entry: Entry, letter: DeadLetter) -> ShownDeadLetter:
    try:
        msgspec.json.decode(letter.data)
        event = msgspec.Raw(letter.data)
    except UNREADABLE_JSON:
        event = None
    return ShownDeadLetter(
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
    value = request.args.get(AFTER.name)
    return "" if value is None else checked_dead_letter_id(value)


def _unknown() -> Problem:
    return Problem(404, "unknown-dead-letter", "There is no dead letter with this id; perhaps it was replayed.")


def _json(document: object) -> Response:
    response = Response(msgspec.json.encode(document), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
