from hypothesis import given
from hypothesis import strategies as st

from ingest_service.intake.watermark import Watermark

SEQS = st.lists(st.integers(0, 30))


@given(SEQS, SEQS)
def test_it_says_what_a_set_of_all_would_say(listed: list[int], added: list[int]) -> None:
    watermark = Watermark(listed)
    durable = set(listed)
    for seq in added:
        watermark.add(seq)
        durable.add(seq)
    assert watermark.next_seq == min(set(range(32)) - durable)
    assert watermark.free_seq == max(durable, default=-1) + 1
    assert list(watermark.missing()) == [seq for seq in range(watermark.free_seq) if seq not in durable]


def test_what_is_contiguous_is_remembered_as_one_number() -> None:
    watermark = Watermark(range(1, 5_000))
    watermark.add(0)
    assert watermark.next_seq == 5_000
    assert watermark._above_hole == set()
