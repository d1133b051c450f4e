"""`GET /v1/search`. The route only translates; `search` and `common.search_words` decide. Queries are in no log."""

from typing import Annotated, Final

from flask import Blueprint, Response, request
from msgspec import Meta

from common.auth import TokenVerifier, principal, require_bearer
from common.openapi.described import Parameter, described, json_answer, named
from common.ports.token_store import Scope
from common.ports.transcript_store import SearchPlace
from common.search_words import SearchQuery, query_of
from transcribe_service.reading.answers import ETAG, IF_NONE_MATCH, NOT_MODIFIED, tagged_json
from transcribe_service.reading.cursors import place_of
from transcribe_service.reading.query import CURSOR, limit_of, limit_parameter, wrong
from transcribe_service.reading.search import Search, SearchCursor, SearchResults
from transcribe_service.reading.stored_meeting import StoredMeetings

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 50
MAX_QUERY_LENGTH: Final = 200
MAX_PARTS: Final = 10
QUERY: Final = Parameter(
    "q",
    Annotated[str, Meta(min_length=1, max_length=MAX_QUERY_LENGTH)],
    "What to look for: words, in any order, and phrases in quotation marks, ten at most. Case and accents make no difference. Outside "
    "of quotation marks a word of three letters or more is found in longer words that begin with it.",
    required=True,
)


def search_blueprint(stored: StoredMeetings, tokens: TokenVerifier) -> Blueprint:
    """The search's route."""
    routes = Blueprint("search", __name__, url_prefix="/v1/search")
    routes.before_request(require_bearer(tokens, Scope.READ))
    search = Search(stored)

    @routes.get("")
    @described(
        "Find what was said in a tenant's meetings",
        description="In what is final, of the transcription that readers see. A hit for each segment that has all of it.",
        parameters=named(QUERY, limit_parameter(DEFAULT_LIMIT, MAX_LIMIT), CURSOR, IF_NONE_MATCH),
        answers={200: json_answer(SearchResults, "What was said last comes first.", ETAG), 304: NOT_MODIFIED},
        scopes=(Scope.READ,),
    )
    def find() -> Response:
        query, limit = _query(), limit_of(request.args, DEFAULT_LIMIT, MAX_LIMIT)
        return tagged_json(search.page(principal().tenant, query, limit=limit, after=_after()))

    return routes


def _query() -> SearchQuery:
    text = request.args.get(QUERY.name, "")
    if len(text) > MAX_QUERY_LENGTH:
        raise wrong(QUERY.name, f"may have {MAX_QUERY_LENGTH} characters at most")
    query = query_of(text)
    if not query.parts:
        raise wrong(QUERY.name, "must have a letter or a digit")
    if len(query.parts) > MAX_PARTS:
        raise wrong(QUERY.name, f"may have {MAX_PARTS} words and phrases at most")
    return query


def _after() -> SearchPlace | None:
    cursor = request.args.get(CURSOR.name)
    if cursor is None:
        return None
    place = place_of(cursor, SearchCursor)
    return SearchPlace(place.start_epoch_ms, place.meeting_id, place.segment_id)
