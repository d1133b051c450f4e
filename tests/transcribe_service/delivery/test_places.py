import pytest

from tests.clocks import FakeClock
from transcribe_service.delivery.places import PAUSES_S, Entry, ReceiverPlaces

A, B, C = ("t", "a"), ("t", "b"), ("t", "c")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def fail(places: ReceiverPlaces, receiver: tuple[str, str], asked_s: float = 0.0) -> None:
    assert places.enter(receiver) is Entry.TAKEN
    places.did_not_answer(receiver, asked_s)
    places.leave_anyway(receiver)


def test_two_at_a_receiver_and_no_more(clock: FakeClock) -> None:
    places = ReceiverPlaces(8, clock)
    assert [places.enter(A) for _ in range(3)] == [Entry.TAKEN, Entry.TAKEN, Entry.IN_HAND]
    assert places.enter(B) is Entry.TAKEN


def test_who_leaves_looks_once_more_for_whom_it_kept_out(clock: FakeClock) -> None:
    places = ReceiverPlaces(8, clock)
    assert [places.enter(A) for _ in range(3)][-1] is Entry.IN_HAND
    assert not places.leave(A)
    assert places.leave(A)
    assert places.leave(A)
    assert places.enter(A) is Entry.TAKEN


def test_a_receiver_that_did_not_answer_is_left_alone_for_longer_and_longer(clock: FakeClock) -> None:
    places = ReceiverPlaces(8, clock)
    for pause_s in (*PAUSES_S, PAUSES_S[-1]):
        fail(places, A)
        assert places.rests(A)
        assert places.enter(A) is Entry.RESTING
        clock.advance(pause_s - 0.001)
        assert places.enter(A) is Entry.RESTING
        clock.advance(0.001)
        assert not places.rests(A)


def test_it_has_one_place_until_it_answers(clock: FakeClock) -> None:
    places = ReceiverPlaces(8, clock)
    fail(places, A)
    clock.advance(PAUSES_S[0])
    assert [places.enter(A), places.enter(A)] == [Entry.TAKEN, Entry.IN_HAND]
    places.answered(A)
    assert places.enter(A) is Entry.TAKEN


def test_it_is_left_alone_for_as_long_as_it_asks_within_bounds(clock: FakeClock) -> None:
    places = ReceiverPlaces(8, clock)
    fail(places, A, asked_s=60)
    clock.advance(59.9)
    assert places.rests(A)
    clock.advance(0.1)
    fail(places, A, asked_s=1e9)
    clock.advance(PAUSES_S[-1])
    assert not places.rests(A)


def test_those_that_did_not_answer_have_half_of_the_places_at_most(clock: FakeClock) -> None:
    places = ReceiverPlaces(4, clock)
    unwell = [("t", str(number)) for number in range(4)]
    for receiver in unwell:
        fail(places, receiver)
    clock.advance(PAUSES_S[0])
    assert [places.enter(receiver) for receiver in unwell] == [Entry.TAKEN, Entry.TAKEN, Entry.RESTING, Entry.RESTING]
    assert [places.enter(A), places.enter(B), places.enter(C)] == [Entry.TAKEN, Entry.TAKEN, Entry.FULL]


def test_who_is_well_and_alone_is_forgotten(clock: FakeClock) -> None:
    places = ReceiverPlaces(2, clock)
    for number in range(100):
        receiver = ("t", str(number))
        assert places.enter(receiver) is Entry.TAKEN
        assert places.leave(receiver)
    assert places._states == {}
