"""What transcribe is told: Whisper's answers, cursors, queries, bodies of requests, addresses of webhooks."""

import ipaddress
import math
from contextlib import suppress
from itertools import pairwise
from typing import Final

import msgspec

from common.errors import Permanent, Retryable
from common.events import SegmentReady
from common.json_input import UNREADABLE_JSON, decoded_json
from common.problems import Problem
from common.search_words import MAX_WORDS, index_terms, query_of, words_in
from ingest_service.tokens import NewToken
from tests.fuzz.target import Target
from tests.fuzz.targets.messages import JSON_TOKENS
from transcribe_service.delivery.addresses import UrlRefused, is_public, target_of
from transcribe_service.delivery.webhooks import NewWebhook, WebhookPatch
from transcribe_service.lifecycle.retention import Retention
from transcribe_service.lifecycle.retranscription_routes import Wanted
from transcribe_service.live.event_ids import is_of_nothing, parsed
from transcribe_service.reading.cursors import cursor_of, place_of
from transcribe_service.reading.meeting_changes import MeetingPatch
from transcribe_service.reading.meeting_list import ListPlace
from transcribe_service.reading.query import limit_of, whole_number
from transcribe_service.reading.search import SearchCursor
from transcribe_service.recognition.disbelief.heard import heard_in
from transcribe_service.recognition.disbelief.rules import believed
from transcribe_service.recognition.stream_words import in_stream_time
from transcribe_service.whisper.client import WhisperResult
from transcribe_service.whisper.openai_answer import read_answer as read_openai
from transcribe_service.whisper.plain_dialect import read_answer as read_plain

_EVENT: Final = SegmentReady(
    tenant="default",
    meeting_id="m",
    connection_id="c",
    segment_id="c:0:960",
    channel=0,
    revision=1,
    final=True,
    start_ms=960,
    end_ms=5_960,
    padding_ms=200,
    object_name="x",
    epoch_offset_ms=1_700_000_000_000,
)


def _answer(data: bytes) -> None:
    for read in (read_openai, read_plain):
        with suppress(Retryable):
            _believe(read(data))


def _believe(result: WhisperResult) -> None:
    """Whatever Whisper says ends in words inside of the segment, in order, that can be stored."""
    assert result.duration_s is None or math.isfinite(result.duration_s)
    assert all(0.0 <= word.probability <= 1.0 for word in result.words)
    found = believed(heard_in(result, _EVENT))
    words = in_stream_time(found.words, _EVENT)
    assert len(words) <= len(result.text.split()) + len(result.words)
    assert all(_EVENT.start_ms <= a.start_ms <= a.end_ms <= _EVENT.end_ms for a in words)
    assert all(a.start_ms <= b.start_ms for a, b in pairwise(words))
    msgspec.json.encode(words)


def _query(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for kind in (ListPlace, SearchCursor):
        with suppress(Problem):
            place = place_of(text, kind)
            assert place_of(cursor_of(place), kind) == place
            msgspec.msgpack.encode(place)
    with suppress(Problem):
        assert 1 <= limit_of({"limit": text}, 20, 100) <= 100
    with suppress(Problem):
        number = whole_number({"n": text}, "n", least=0, most=7)
        assert number in range(8)
    place_in_events = parsed(text)
    assert is_of_nothing(text) in {True, False}
    assert place_in_events is None or str(place_in_events) == text


def _search(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    words = words_in(text)
    assert len(words) <= MAX_WORDS
    query = query_of(text)
    assert len(index_terms(words)) <= 7 * MAX_WORDS
    if query.parts:
        assert query.rarest_term
        assert query.partly_in(words) or len(words) == MAX_WORDS


def _bodies(data: bytes) -> None:
    for kind in (NewWebhook, WebhookPatch, MeetingPatch, Wanted, Retention, NewToken):
        with suppress(Permanent, *UNREADABLE_JSON):
            msgspec.msgpack.encode(decoded_json(data, kind))


def _url(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with suppress(UrlRefused):
        target = target_of(text, plain=True)
        assert target.host
        assert 0 < target.port < 65_536
        assert target.path.startswith("/")
        assert not set(target.path + target.authority) & set("\r\n\0 ")
    with suppress(ValueError):
        is_public(ipaddress.ip_address(text))


_VERBOSE: Final = (
    b'{"text":" Good morning.","language":"en","duration":"5.4","words":[{"word":"Good","start":0.3,"end":0.6,"probability":0.9}],'
    b'"segments":[{"start":0.2,"end":1.5,"text":" Good morning.","avg_logprob":-0.2,"no_speech_prob":0.1,"compression_ratio":1.1,'
    b'"words":[{"word":"morning.","start":0.7,"end":1.2}]}]}'
)
_PLAIN: Final = b'{"segments":[[0,0,0.2,1.5," Good morning.",[1],0.0,-0.2,1.1,0.1,[[0.3,0.6,"Good",0.9],[0.7,1.2," morning."]]]],"language":"en"}'
TARGETS: Final = (
    Target("whisper answers", _answer, lambda: [_VERBOSE, _PLAIN, b'{"text":"a b"}'], tokens=JSON_TOKENS),
    Target(
        "cursors and query",
        _query,
        lambda: [
            cursor_of(ListPlace(1, "m")).encode(),
            cursor_of([1, "m", "c:0:5"]).encode(),
            b"7",
            b"0" * 20 + b"-00ff00ff",
        ],
        tokens=("²".encode(), b"=", b"-", b"_"),
        max_bytes=1_200,
    ),
    Target(
        "search",
        _search,
        lambda: ['Grüße "zwei Wörter" drei'.encode(), "会议 ประชุม".encode(), b'"open quote'],
        tokens=(b'"', "ﷺ".encode(), "ßİ".encode(), "\u0345".encode()),
    ),
    Target(
        "request bodies",
        _bodies,
        lambda: [
            b'{"url":"https://example.com/x","events":["transcript.segment"],"provisional":true,"enabled":false,"title":"t"}'
        ],
        tokens=JSON_TOKENS,
    ),
    Target(
        "webhook addresses",
        _url,
        lambda: [b"https://example.com:444/a?b=c", b"http://[::1%25eth0]/", b"::ffff:127.0.0.1", b"64:ff9b::7f00:1"],
        tokens=(b"[", b"]", b"@", b"%00", b"\t", "\uff0f".encode(), b"xn--"),
    ),
)
