"""Pairs of owners whose ids are chosen to be taken for each other."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from hypothesis import assume, example
from hypothesis import strategies as st

from common.ids import InvalidId, checked_id

JOINERS = "-._"
WORDS = ("a", "b", "0", "default", "unregistered", "dead-letters", "quarantine", "chunks", "final", "streams", "users")


class Owner(NamedTuple):
    """A tenant, and what it calls one of its connections and meetings."""

    tenant: str
    connection_id: str
    meeting_id: str


Test = TypeVar("Test", bound=Callable[..., None])


def with_every_joint(test: Test) -> Test:
    """Besides, the pairs that any one character would join to the same name, and those that are called like our own folders."""
    for joint in JOINERS:
        left, right = f"b{joint}c", f"a{joint}b"
        test = example((Owner("a", left, left), Owner(right, "c", "c")))(test)
    for word in ("unregistered", "dead-letters", "quarantine", "chunks"):
        test = example((Owner(word, "a", "a"), Owner("a", word, word)))(test)
    return test


def is_id(value: str) -> bool:
    try:
        checked_id(value, "id")
    except InvalidId:
        return False
    return True


IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,12}", fullmatch=True).filter(is_id)


@st.composite
def _split_elsewhere(draw: st.DrawFn) -> tuple[Owner, Owner]:
    """One text, cut in two at different joints: `a` and `b-c`, `a-b` and `c`."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=3, max_size=5))
    joints = draw(st.lists(st.sampled_from(JOINERS), min_size=len(words), max_size=len(words)))
    first, second = draw(st.lists(st.integers(1, len(words) - 1), min_size=2, max_size=2, unique=True))

    def cut(at: int) -> Owner:
        left = "".join(word + joint for word, joint in zip(words[:at], joints, strict=False))[:-1]
        right = "".join(word + joint for word, joint in zip(words[at:], joints[at:], strict=False))[:-1]
        return Owner(left, right, right)

    return cut(first), cut(second)


@st.composite
def _one_begins_like_the_other(draw: st.DrawFn) -> tuple[Owner, Owner]:
    tenant, more, connection_id, meeting_id = draw(IDS), draw(IDS), draw(IDS), draw(IDS)
    longer = tenant + draw(st.sampled_from(["", *JOINERS])) + more
    return Owner(tenant, connection_id, meeting_id), Owner(longer, connection_id, meeting_id)


@st.composite
def _exchanged(draw: st.DrawFn) -> tuple[Owner, Owner]:
    """The one's tenant is called like the other's connection."""
    one, other = draw(IDS | st.sampled_from(WORDS)), draw(IDS | st.sampled_from(WORDS))
    return Owner(one, other, other), Owner(other, one, one)


def _arbitrary() -> st.SearchStrategy[tuple[Owner, Owner]]:
    owner = st.builds(Owner, IDS, IDS, IDS)
    return st.tuples(owner, owner)


@st.composite
def owners_of_two_tenants(draw: st.DrawFn) -> tuple[Owner, Owner]:
    """Two owners with valid ids and different tenants."""
    kind = st.one_of(_split_elsewhere(), _one_begins_like_the_other(), _exchanged(), _arbitrary())
    one, other = draw(kind)
    assume(one.tenant != other.tenant and all(is_id(value) for owner in (one, other) for value in owner))
    return one, other
