"""Deposits, the lease and its fencing number, on both kinds of Redis."""

import pytest
import redis

from common.errors import Retryable
from segmenter_service.mailbox import LeaseLost, Mailbox, Scripts


@pytest.fixture
def mailbox(redis_client: redis.Redis) -> Mailbox:
    return Mailbox(redis_client, Scripts(redis_client), "default", "call-1", ttl_ms=60_000)


def test_an_item_deposited_twice_lies_there_once_as_it_came_first(mailbox: Mailbox) -> None:
    mailbox.deposit(b"c:0", b"first")
    mailbox.deposit(b"c:0", b"second")
    lease = mailbox.acquire()
    assert lease is not None
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
    mailbox.deposit(b"c:0", b"x")
    lease = mailbox.acquire()
    assert lease is not None
    seen = lease.contents()
    mailbox.deposit(b"c:1", b"y")  # this push finds the lease taken and is acknowledged
    lease.commit(b"state", [b"c:0"])
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
    holder.commit(b"good", [])
    with pytest.raises(LeaseLost):
        sleeper.commit(b"stale", [])
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
    lease.commit(b"", list(fields)[:-1])
    assert lease.contents().mail == {b"c:4999": b"x"}


def test_every_key_has_a_time_to_live(mailbox: Mailbox, redis_client: redis.Redis) -> None:
    mailbox.deposit_all({b"c:1": b"x"})
    mailbox.deposit(b"c:0", b"x")
    lease = mailbox.acquire()
    assert lease is not None
    lease.commit(b"state", [])
    keys = redis_client.keys("*")
    assert len(keys) == 5
    assert all(redis_client.pttl(key) > 0 for key in keys)


def test_redis_out_of_reach_is_retryable() -> None:
    with redis.Redis("127.0.0.1", 1, retry=None) as nowhere:
        box = Mailbox(nowhere, Scripts(nowhere), "default", "call-1", ttl_ms=1)
        with pytest.raises(Retryable, match="Redis"):
            box.deposit(b"c:0", b"")
