"""Deposits, the lease and its fencing number, on both kinds of Redis."""

import threading

import pytest
import redis

from common.errors import Retryable
from segmenter_service.mailbox import Lease, LeaseLost, Mailbox, MayWait, Rest, Scripts

REST = Rest(stream_from_ms=5_000, epoch_from_ms=1_000_005_000)


def about(from_ms: int, *, most: int = 64) -> MayWait:
    return MayWait("stream", from_ms, most)


@pytest.fixture
def mailbox(redis_client: redis.Redis) -> Mailbox:
    return Mailbox(redis_client, Scripts(redis_client), "default", "call-1", ttl_ms=60_000)


def held(mailbox: Mailbox) -> Lease:
    """The lease of a connection that the sweep looks after, with nothing in its mailbox."""
    lease = mailbox.acquire()
    assert lease is not None
    lease.commit(b"open", [], swept=True)
    return lease


def test_an_item_that_comes_twice_lies_there_once_as_it_came_first(mailbox: Mailbox) -> None:
    lease = held(mailbox)
    assert mailbox.take(b"c:0", b"first") is None
    assert mailbox.take(b"c:0", b"second") is None
    assert lease.contents().mail == {b"c:0": b"first"}


def test_only_one_holds_the_lease_and_numbers_grow(mailbox: Mailbox) -> None:
    first = mailbox.acquire()
    assert first is not None
    assert mailbox.acquire() is None
    assert first.release(first.contents().bell)
    second = mailbox.acquire()
    assert second is not None
    assert int(second.fence) > int(first.fence)


def test_a_lease_is_not_given_back_over_mail_that_its_holder_has_not_seen(mailbox: Mailbox) -> None:
    lease = held(mailbox)
    assert mailbox.take(b"c:0", b"x") is None
    seen = lease.contents()
    assert mailbox.take(b"c:1", b"y") is None, "this push finds the lease taken and is acknowledged"
    lease.commit(b"state", [b"c:0"], swept=True)
    assert not lease.release(seen.bell)
    again = lease.contents()
    assert (again.state, again.mail) == (b"state", {b"c:1": b"y"})
    assert lease.release(again.bell)


def test_who_lost_the_lease_changes_nothing(mailbox: Mailbox, redis_client: redis.Redis) -> None:
    sleeper = mailbox.acquire()
    assert sleeper is not None
    redis_client.flushall()
    holder = mailbox.acquire()
    assert holder is not None
    assert int(holder.fence) > int(sleeper.fence), "numbers must not start again after a flush"
    holder.commit(b"good", [], swept=True)
    with pytest.raises(LeaseLost):
        sleeper.commit(b"stale", [], swept=True)
    with pytest.raises(LeaseLost):
        sleeper.renew()
    assert sleeper.release(b"0"), "what is not held any more needs no giving back"
    assert mailbox.acquire() is None, "… and is not taken from the one who holds it"
    assert holder.contents().state == b"good"


def test_many_fields_leave_in_one_commit(mailbox: Mailbox) -> None:
    fields = {b"c:%d" % seq: b"x" for seq in range(5_000)}
    mailbox.deposit_all(fields)
    lease = mailbox.acquire()
    assert lease is not None
    lease.commit(b"", list(fields)[:-1], swept=True)
    assert lease.contents().mail == {b"c:4999": b"x"}


def test_every_key_has_a_time_to_live(mailbox: Mailbox, redis_client: redis.Redis) -> None:
    mailbox.deposit_all({b"c:1": b"x"})
    lease = mailbox.take(b"c:0", b"x")
    assert lease is not None
    lease.commit(b"state", [], swept=True)
    keys = redis_client.keys("*")
    assert len(keys) == 5
    assert all(redis_client.pttl(key) > 0 for key in keys)


def test_redis_out_of_reach_is_retryable() -> None:
    with redis.Redis("127.0.0.1", 1, retry=None) as nowhere:
        box = Mailbox(nowhere, Scripts(nowhere), "default", "call-1", ttl_ms=1)
        with pytest.raises(Retryable, match="Redis"):
            box.take(b"c:0", b"")


def test_taking_is_depositing_and_seeing_what_is_there(mailbox: Mailbox) -> None:
    mailbox.deposit_all({b"c:1": b"earlier"})
    lease = mailbox.take(b"c:0", b"x")
    assert lease is not None
    seen = lease.contents()
    assert (seen.state, seen.mail) == (None, {b"c:0": b"x", b"c:1": b"earlier"})
    lease.commit(b"open", [], swept=True)
    assert mailbox.take(b"c:2", b"y") is None, "somebody holds the lease"
    assert lease.contents().mail == {b"c:0": b"x", b"c:1": b"earlier", b"c:2": b"y"}


@pytest.mark.parametrize("closed", [False, True], ids=["new", "closed"])
def test_nothing_is_left_to_a_holder_whom_nobody_would_look_for(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, *, closed: bool
) -> None:
    monkeypatch.setattr("segmenter_service.mailbox._WAIT_S", 0.1)
    lease = mailbox.acquire()
    assert lease is not None
    if closed:
        lease.commit(b"closed", [], swept=False)
    with pytest.raises(Retryable) as raised:
        mailbox.take(b"c:0", b"x")
    assert raised.value.reason == "lease_held"
    assert lease.contents().mail == {}, "its push comes again"
    assert lease.release(lease.contents().bell)
    assert mailbox.take(b"c:0", b"x") is not None


def test_who_comes_while_a_connection_is_made_known_waits_for_that(mailbox: Mailbox) -> None:
    lease = mailbox.take(b"c:0", b"x")
    assert lease is not None
    assert lease.contents().mail == {b"c:0": b"x"}
    made_known = threading.Timer(0.05, lease.commit, (b"open", []), {"swept": True})
    made_known.start()
    assert mailbox.take(b"c:1", b"y") is None
    made_known.join()
    assert lease.contents().mail == {b"c:0": b"x", b"c:1": b"y"}


def test_settling_is_committing_and_giving_back_unless_there_is_mail_that_was_not_seen(mailbox: Mailbox) -> None:
    lease = held(mailbox)
    assert mailbox.take(b"c:0", b"x") is None
    seen = lease.contents()
    assert mailbox.take(b"o:1", b"y", about(5_000)) is None
    assert not lease.settle(b"state", [b"c:0"], seen.bell, swept=True, rest=REST)
    again = lease.contents()
    assert (again.state, again.mail) == (b"state", {b"o:1": b"y"})
    assert lease.settle(b"later", [b"o:1"], again.bell, swept=True)
    following = mailbox.take(b"c:1", b"x")
    assert following is not None
    assert following.contents().state == b"later"


def at_rest(mailbox: Mailbox) -> None:
    lease = mailbox.take(b"c:0", b"x")
    assert lease is not None
    assert lease.settle(b"state", [b"c:0"], lease.contents().bell, swept=True, rest=REST)


def test_what_may_wait_waits_at_rest_for_whatever_comes_next(mailbox: Mailbox) -> None:
    at_rest(mailbox)
    assert mailbox.take(b"o:1", b"y", about(5_000, most=2)) is None
    assert mailbox.take(b"o:2", b"y", about(5_000, most=2)) is None
    lease = mailbox.take(b"c:1", b"x")
    assert lease is not None
    assert lease.contents().mail == {b"o:1": b"y", b"o:2": b"y", b"c:1": b"x"}


def test_what_is_about_an_earlier_time_does_not_wait(mailbox: Mailbox) -> None:
    at_rest(mailbox)
    assert mailbox.take(b"o:1", b"y", MayWait("epoch", 1_000_005_000, 64)) is None
    assert mailbox.take(b"o:2", b"y", MayWait("epoch", 1_000_004_999, 64)) is not None


def test_what_may_not_wait_is_taken_at_rest_too(mailbox: Mailbox) -> None:
    at_rest(mailbox)
    assert mailbox.take(b"o:1", b"y", about(4_999)) is not None


def test_no_more_wait_than_are_allowed_to(mailbox: Mailbox) -> None:
    at_rest(mailbox)
    assert mailbox.take(b"o:1", b"y", about(5_000, most=1)) is None
    assert mailbox.take(b"o:2", b"y", about(5_000, most=1)) is not None


def test_rest_ends_with_the_lease_of_a_holder_that_knows_nothing_of_it(mailbox: Mailbox) -> None:
    at_rest(mailbox)
    earlier_version = mailbox.acquire()
    assert earlier_version is not None
    earlier_version.commit(b"waits for speakers", [], swept=True)
    assert earlier_version.release(earlier_version.contents().bell)
    assert mailbox.take(b"o:1", b"y", about(5_000)) is not None


def test_who_lost_the_lease_settles_nothing(mailbox: Mailbox, redis_client: redis.Redis) -> None:
    sleeper = mailbox.take(b"c:0", b"x")
    assert sleeper is not None
    redis_client.flushall()
    holder = mailbox.take(b"c:0", b"x")
    assert holder is not None
    with pytest.raises(LeaseLost):
        sleeper.settle(b"stale", [b"c:0"], sleeper.contents().bell, swept=True, rest=REST)
    holder.commit(b"open", [b"c:0"], swept=True)
    assert mailbox.take(b"o:1", b"y", about(5_000)) is None


def test_nothing_is_left_of_rest_where_a_connection_was_erased(mailbox: Mailbox, redis_client: redis.Redis) -> None:
    at_rest(mailbox)
    lease = mailbox.take(b"c:1", b"x")
    assert lease is not None
    assert lease.erase(lease.contents().bell)
    assert redis_client.keys("*") == []
