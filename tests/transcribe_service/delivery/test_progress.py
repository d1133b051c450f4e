from msgspec.structs import replace

from tests.transcribe_service.delivery.orders_of_tests import NOW_MS, delivery
from transcribe_service.delivery.progress import (
    IN_HAND_MS,
    KEPT_MS,
    due_again,
    ended,
    given_back,
    taken,
    wanted,
    wanted_again,
)

OLD = delivery(rank=7)
NEW = delivery(rank=8, message_id="msg_2")


def test_the_newer_takes_the_place_of_the_older_and_never_the_other_way() -> None:
    assert wanted(None, OLD) == OLD
    assert wanted(OLD, NEW) == NEW
    assert wanted(NEW, OLD) is None
    assert wanted(OLD, replace(OLD, message_id="other")) is None
    assert wanted(ended(OLD, "delivered", "", NOW_MS), OLD) is None


def test_one_of_two_takes_it() -> None:
    mine = taken(OLD, OLD, NOW_MS)
    assert mine is not None
    assert (mine.attempts, mine.in_hand, mine.due_ms) == (1, True, NOW_MS + IN_HAND_MS)
    assert taken(mine, OLD, NOW_MS) is None
    assert taken(None, OLD, NOW_MS) is None


def test_what_its_holder_lost_is_taken_by_the_next_and_the_lost_one_changes_nothing() -> None:
    lost = taken(OLD, OLD, NOW_MS)
    assert lost is not None
    assert taken(lost, lost, NOW_MS + IN_HAND_MS - 1) is None
    mine = taken(lost, lost, NOW_MS + IN_HAND_MS)
    assert mine is not None
    assert mine.attempts == 2
    assert given_back(mine, lost, ended(lost, "delivered", "", NOW_MS), NOW_MS) is None


def test_what_became_newer_in_hand_waits_for_its_holder_and_is_due_then() -> None:
    mine = taken(OLD, OLD, NOW_MS)
    assert mine is not None
    waiting = wanted(mine, NEW)
    assert waiting is not None
    assert (waiting.rank, waiting.due_ms, waiting.attempts) == (8, mine.due_ms, 0)
    assert taken(waiting, waiting, NOW_MS) is None
    freed = given_back(waiting, mine, ended(mine, "delivered", "", NOW_MS), NOW_MS + 5)
    assert freed == replace(NEW, due_ms=NOW_MS + 5)


def test_what_a_successor_has_in_hand_stays_its() -> None:
    mine = taken(OLD, OLD, NOW_MS)
    assert mine is not None
    newer = wanted(mine, NEW)
    assert newer is not None
    theirs = taken(newer, newer, NOW_MS + IN_HAND_MS)
    assert theirs is not None
    assert given_back(theirs, mine, ended(mine, "delivered", "", NOW_MS), NOW_MS + IN_HAND_MS) is None
    assert given_back(None, mine, ended(mine, "delivered", "", NOW_MS), NOW_MS) is None


def test_what_ended_is_remembered_for_as_long_as_it_may_be_announced_again() -> None:
    mine = taken(OLD, OLD, NOW_MS)
    assert mine is not None
    done = given_back(mine, mine, ended(mine, "delivered", "", NOW_MS), NOW_MS)
    assert done is not None
    assert (done.due_ms, done.in_hand, done.outcome, done.expires_ms) == (None, False, "delivered", NOW_MS + KEPT_MS)
    again = due_again(mine, NOW_MS + 9, "http_500")
    assert (again.due_ms, again.in_hand, again.reason, again.attempts) == (NOW_MS + 9, False, "http_500", 1)


def test_only_what_was_given_up_or_forgotten_is_wanted_again() -> None:
    fresh = replace(OLD, since_ms=NOW_MS + 1)
    assert wanted_again(None, fresh) == fresh
    assert wanted_again(ended(OLD, "dead", "timeout", NOW_MS), fresh) == fresh
    assert wanted_again(ended(OLD, "delivered", "", NOW_MS), fresh) is None
    assert wanted_again(OLD, fresh) is None
    assert wanted_again(ended(NEW, "dead", "timeout", NOW_MS), fresh) is None
