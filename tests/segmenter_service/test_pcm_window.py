"""Decoded audio at hand: what is read is what was appended, holes are silence, and the cache keeps its limit."""

import numpy as np
import pytest

from segmenter_service.audio.reader import PcmBlock
from segmenter_service.pcm_window import PcmCache, PcmWindow, fitted


def block(first: int, count: int, value: int = 1, channels: int = 1) -> PcmBlock:
    return PcmBlock(first, np.full((channels, count), value, np.int16))


def test_blocks_are_read_across_their_seams_and_holes_are_silence() -> None:
    window = PcmWindow(0, 0)
    window.append(block(0, 10, 1))
    window.append(block(10, 10, 2))
    window.append(block(25, 5, 3))
    assert window.covers(0, 30)
    np.testing.assert_array_equal(window.read(8, 28, 1)[0], [1] * 2 + [2] * 10 + [0] * 5 + [3] * 3)


def test_what_is_dropped_is_not_covered_any_more() -> None:
    window = PcmWindow(0, 0)
    for first in (0, 10, 20):
        window.append(block(first, 10))
    window.drop_before(15)
    assert window.from_sample == 15
    assert len(window.blocks) == 2
    assert not window.covers(14, 20)
    assert window.covers(15, 30)


@pytest.mark.parametrize(("channels", "wanted"), [(1, 2), (2, 1), (2, 2)])
def test_a_block_of_another_width_is_mixed_to_fit(channels: int, wanted: int) -> None:
    samples = np.array([[4, 4], [8, 8]], np.int16)[:channels]
    out = fitted(samples, wanted)
    assert out.shape == (wanted, 2)
    assert (out == (samples if channels == wanted else samples.mean(axis=0))).all()


def test_the_cache_forgets_who_was_used_longest_ago() -> None:
    cache = PcmCache(limit_bytes=60)
    for name in ("a", "b", "c"):
        window = PcmWindow(0, 0)
        window.append(block(0, 10))
        cache.put(("t", name), window)
        assert cache.get(("t", "a")) is not None or name == "c"
    cache.put(("t", "d"), cache.get(("t", "b")) or PcmWindow(0, 0))
    assert cache.get(("t", "a")) is None
    assert cache.get(("t", "d")) is not None


def test_a_window_that_is_handed_out_is_private() -> None:
    cache = PcmCache(limit_bytes=1_000)
    cache.put(("t", "a"), PcmWindow(0, 0))
    mine = cache.get(("t", "a"))
    assert mine is not None
    mine.append(block(0, 10))
    kept = cache.get(("t", "a"))
    assert kept is not None
    assert not kept.blocks


def test_what_is_forgotten_or_replaced_makes_room() -> None:
    cache = PcmCache(limit_bytes=60)
    for first in range(0, 100, 10):
        window = PcmWindow(0, 0)
        window.append(block(first, 20))
        cache.put(("t", "a"), window)
    other = PcmWindow(0, 0)
    other.append(block(0, 10))
    cache.put(("t", "b"), other)
    assert cache.get(("t", "a")) is not None
    cache.forget(("t", "a"))
    cache.forget(("t", "nobody"))
    assert cache.get(("t", "a")) is None
    cache.put(("t", "c"), other)
    cache.put(("t", "d"), other)
    assert all(cache.get(("t", name)) for name in "bcd")
