import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dead_letters import (
    SOURCE_COUNT,
    SOURCE_PUBLISH_TIME,
    SOURCE_SUBSCRIPTION,
    DeadLetter,
    DeadLetters,
    as_dead_letter,
    identity,
)
from common.errors import Backpressure, Permanent, Retryable
from common.events import Event, Message, to_message
from common.ids import InvalidId
from common.object_names import dead_letter, dead_letters_prefix
from common.ports.blob_store import BlobNotFound
from tests.common.example_events import EVENTS, UPDATED
from tests.memory_ports import FakeBlobs, FakePublisher

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
DOWN = Retryable("the store is down", reason="store_down")
MOVED = {SOURCE_COUNT: "100", SOURCE_SUBSCRIPTION: "transcribe", SOURCE_PUBLISH_TIME: "2023-11-14T22:13:20Z"}


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs()


@pytest.fixture
def dead_letters(blobs: FakeBlobs) -> DeadLetters:
    return DeadLetters(blobs, "raw")


def letter_of(event: Event, **attributes: str) -> DeadLetter:
    message = to_message(event, source="/turnscribe/test", now_ms=7, traceparent=TRACE)
    moved = Message(message.data, {**message.attributes, **attributes})
    return as_dead_letter(moved, message_id="42", subscription="dead-letters", died_at_ms=1_700_000_000_000)


def keep(dead_letters: DeadLetters, event: Event = UPDATED, at_ms: int = 7, error: Exception = DOWN) -> str:
    return dead_letters.keep(event, letter_of(event), error, published_ms=at_ms)


def of_revision(revision: int, tenant: str = "default") -> Event:
    return msgspec.structs.replace(UPDATED, revision=revision, tenant=tenant)


@pytest.mark.parametrize("named", [str, str.lower, str.title])
def test_the_source_s_attributes_say_where_and_how_often_it_failed(named: type[str]) -> None:
    letter = letter_of(UPDATED, **{named(name): value for name, value in MOVED.items()})
    assert (letter.subscription, letter.attempts) == ("transcribe", 100)
    unmarked = letter_of(UPDATED)
    assert (unmarked.subscription, unmarked.attempts) == ("dead-letters", None)


@given(EVENTS)
def test_a_message_is_the_same_whatever_the_queue_adds_to_it(event: Event) -> None:
    message = to_message(event, source="/x", now_ms=0)
    moved = Message(message.data, {**message.attributes, **MOVED, "ce-traceparent": TRACE, "googclient_x": "y"})
    in_headers = Message(message.data, {name.lower(): value for name, value in moved.attributes.items()})
    assert identity(message) == identity(moved) == identity(in_headers)
    assert identity(message) != identity(to_message(event, source="/x", now_ms=1))
    assert identity(message) != identity(Message(message.data + b" ", message.attributes))


def test_a_letter_is_kept_with_its_reason_and_whose_it_is(dead_letters: DeadLetters, blobs: FakeBlobs) -> None:
    letter_id = keep(dead_letters)
    held = blobs.objects[dead_letter("raw", UPDATED.tenant, letter_id)]
    assert held.metadata == {
        "reason": "store_down",
        "detail": "the store is down",
        "type": UPDATED.TYPE,
        "meeting": UPDATED.meeting_id,
        "connection": UPDATED.connection_id,
        "died-at": "2023-11-14T22:13:20.000Z",
    }
    entry, letter = dead_letters.read(UPDATED.tenant, letter_id)
    assert letter == letter_of(UPDATED)
    assert (entry.id, entry.reason, entry.connection_id) == (letter_id, "store_down", UPDATED.connection_id)


def test_what_an_unknown_error_says_is_not_kept(dead_letters: DeadLetters) -> None:
    keep(dead_letters, error=ZeroDivisionError("a name that somebody said"))
    (entry,) = dead_letters.page(UPDATED.tenant, limit=9).dead_letters
    assert (entry.reason, entry.detail) == ("internal_error", "ZeroDivisionError")


def test_the_same_message_is_kept_once_with_its_first_reason(dead_letters: DeadLetters) -> None:
    once = keep(dead_letters)
    again = keep(dead_letters, error=Backpressure("busy", reason="busy", retry_after_s=1))
    assert once == again
    (entry,) = dead_letters.page(UPDATED.tenant, limit=9).dead_letters
    assert entry.reason == "store_down"


@given(st.lists(st.integers(-(10**15), 10**15), max_size=6), st.integers(1, 7))
def test_pages_give_every_letter_once_in_the_order_of_publishing(times_ms: list[int], limit: int) -> None:
    dead_letters = DeadLetters(FakeBlobs(), "raw")
    kept = [keep(dead_letters, of_revision(number), at_ms) for number, at_ms in enumerate(times_ms)]
    listed: list[str] = []
    after: str | None = ""
    for _ in range(len(times_ms) + 1):
        page = dead_letters.page("default", limit=limit, after=after or "")
        assert len(page.dead_letters) <= limit
        listed += [entry.id for entry in page.dead_letters]
        after = page.next
        if after is None:
            break
    assert listed == sorted(kept)
    assert after is None


def test_a_tenant_sees_no_one_else_s_letters(dead_letters: DeadLetters) -> None:
    letter_id = keep(dead_letters, of_revision(1, "theirs"))
    assert dead_letters.page("default", limit=9).dead_letters == ()
    with pytest.raises(BlobNotFound):
        dead_letters.read("default", letter_id)
    with pytest.raises(BlobNotFound):
        dead_letters.replay("default", letter_id, FakePublisher())
    assert len(dead_letters.page("theirs", limit=9).dead_letters) == 1


def test_a_replay_publishes_the_event_and_forgets_the_letter(dead_letters: DeadLetters) -> None:
    publisher = FakePublisher()
    dead_letters.replay("default", keep(dead_letters), publisher)
    assert publisher.published == [UPDATED]
    assert dead_letters.page("default", limit=9).dead_letters == ()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_letter_whose_publication_fails_stays(dead_letters: DeadLetters, when: str) -> None:
    publisher = FakePublisher()
    getattr(publisher.faults, when).append(DOWN)
    letter_id = keep(dead_letters)
    with pytest.raises(Retryable):
        dead_letters.replay("default", letter_id, publisher)
    dead_letters.replay("default", letter_id, publisher)
    assert set(publisher.published) == {UPDATED}


@pytest.mark.parametrize("bad", ["", "x", "../default", "1" * 14, f"{1:014d}-{'A' * 32}", f"{1:014d}-{'a' * 32}/x"])
def test_only_ids_of_dead_letters_are_looked_for(dead_letters: DeadLetters, bad: str) -> None:
    for attempt in (dead_letters.read, lambda *ids: dead_letters.replay(*ids, FakePublisher())):
        with pytest.raises(InvalidId):
            attempt("default", bad)


def test_what_no_event_can_be_read_from_stays_and_holds_up_nothing(dead_letters: DeadLetters, blobs: FakeBlobs) -> None:
    publisher = FakePublisher()
    names = [dead_letter("raw", "default", f"{number:014d}-{'0' * 32}") for number in range(2)]
    unreadable = msgspec.structs.replace(letter_of(UPDATED), data=b"{}")
    blobs.create(names[0], b"no letter")
    blobs.create(names[1], msgspec.json.encode(unreadable))
    keep(dead_letters)
    for name in names:
        with pytest.raises(Permanent):
            dead_letters.replay("default", name.rpartition("/")[2], publisher)
    done = dead_letters.replay_page("default", publisher, limit=9)
    assert (done.replayed, done.next) == (1, None)
    assert [f"{dead_letters_prefix('raw', 'default')}{each}" for each in done.unreadable] == names
    assert blobs.objects.keys() == set(names)


def test_replaying_all_goes_on_where_the_last_page_ended(dead_letters: DeadLetters) -> None:
    publisher = FakePublisher()
    for number in range(3):
        keep(dead_letters, of_revision(number), number)
    first = dead_letters.replay_page("default", publisher, limit=2)
    assert first.next is not None
    second = dead_letters.replay_page("default", publisher, limit=2, after=first.next)
    assert (first.replayed, second.replayed, second.next) == (2, 1, None)
    assert publisher.published == [of_revision(number) for number in range(3)]
