from hypothesis import given
from hypothesis import strategies as st

from ingest_service.intake.recent import Recent


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("mn"))), st.integers(1, 4))
def test_the_last_ones_are_remembered_and_no_more(seen: list[tuple[str, str]], capacity: int) -> None:
    recent = Recent[str, str](capacity)
    expected: dict[str, str] = {}
    for key, value in seen:
        recent.remember(key, value)
        expected.pop(key, None)
        expected[key] = value
    kept = dict(list(expected.items())[-capacity:])
    assert {key: recent.get(key) for key in "abcde" if recent.get(key)} == kept


def test_asking_keeps_alive() -> None:
    recent = Recent[str, str](2)
    recent.remember("a", "m")
    recent.remember("b", "m")
    recent.get("a")
    recent.remember("c", "m")
    assert [recent.get(key) for key in "abc"] == ["m", None, "m"]
