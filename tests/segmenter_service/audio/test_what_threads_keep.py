"""A thread keeps its resamplers and its last decoder: nothing shows of what went through them before, bit for bit."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter_service.audio import reader
from segmenter_service.audio.decode import decode
from segmenter_service.audio.reader import AudioReader
from segmenter_service.audio.resampling import resampled

RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
ODD_RATES_HZ = (7_000, 15_999, 37_800)
EDGE = 64


def in_a_new_thread(call):
    """What `call` gives where nothing is kept yet."""
    given_back = []
    thread = threading.Thread(target=lambda: given_back.append(call()))
    thread.start()
    thread.join()
    return given_back[0]


def noise(seed, size):
    return np.random.default_rng(seed).uniform(-1, 1, size).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(RATES_HZ + ODD_RATES_HZ), st.integers(1, 30_000), st.integers(0, 400)),
        min_size=1,
        max_size=8,
    )
)
def test_a_resampler_that_goes_on_gives_what_one_of_its_own_gives(blocks):
    for seed, (rate_hz, size, first) in enumerate(blocks):
        row = noise(seed, size)
        whole = size * 16_000 // rate_hz
        alone = resampled(row, rate_hz, 0, whole)  # from the very edge: always by a resampler of its own
        count = max(0, whole - first - EDGE)
        assert np.array_equal(resampled(row, rate_hz, first, count), alone[first : first + count])


def blocks_of(kit, monkeypatch, name, seconds):
    """What the reader has decoded of a recording, by itself and one after another."""
    seen = []

    def noted(block, *, keep_channels):
        seen.append(block)
        return decode(block, keep_channels=keep_channels)

    monkeypatch.setattr(reader, "decode", noted)
    kit.read([kit.encode(name, seconds=seconds)])
    return seen


@pytest.mark.parametrize("name", ["webm opus", "ogg opus"])
def test_a_decoder_that_was_flushed_gives_what_a_new_one_gives(kit, monkeypatch, name):
    blocks = blocks_of(kit, monkeypatch, name, 6.0)
    other = blocks_of(kit, monkeypatch, "ogg vorbis", 3.0)
    assert len(blocks) > 3
    assert other
    expected = [in_a_new_thread(lambda block=block: decode(block, keep_channels=False)[0]) for block in blocks]
    for order in ([*range(len(blocks))], [*reversed(range(len(blocks)))], [0, 0, 2, 0]):
        for index in order:
            again = decode(blocks[index], keep_channels=False)[0]
            assert np.array_equal(again.samples, expected[index].samples)
            decode(other[index % len(other)], keep_channels=False)


def test_a_decoder_that_refused_a_packet_is_not_used_again(kit, monkeypatch):
    blocks = blocks_of(kit, monkeypatch, "webm opus", 4.0)
    expected = in_a_new_thread(lambda: decode(blocks[2], keep_channels=False)[0])
    first = blocks[1].packets[0]
    torn = type(first)(b"\xff" * 3, first.samples, first.at_us)
    damaged = type(blocks[1])(**{**vars(blocks[1]), "packets": (torn, *blocks[1].packets[1:])})
    _, refused = decode(damaged, keep_channels=False)
    assert refused == 1
    assert np.array_equal(decode(blocks[2], keep_channels=False)[0].samples, expected.samples)


def test_readers_in_many_threads_do_not_meet(kit):
    recording = kit.encode("webm opus", seconds=5.0)

    def samples():
        blocks = AudioReader.new("", keep_channels=False).feed(recording)
        return np.concatenate([block.samples[0] for block in blocks])

    expected, found = samples(), []
    threads = [threading.Thread(target=lambda: found.append(samples())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(threads)
    assert all(np.array_equal(each, expected) for each in found)
