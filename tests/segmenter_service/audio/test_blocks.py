"""Blocks and the clock, on packets that need no codec."""

from hypothesis import given
from hypothesis import strategies as st

from segmenter_service.audio.blocks import HELD_BACK_SAMPLES, Block, BlockBuilder
from segmenter_service.audio.packets import Codec, Packet

OPUS = Codec("opus", 48_000, 1, b"", 312)
PACKET = 960


def built(builder: BlockBuilder, times_ms: list[float | None]) -> list[Block]:
    return [
        block
        for at_ms in times_ms
        for block in builder.add(Packet(b"x", PACKET, None if at_ms is None else int(at_ms * 1_000)))
    ]


def started() -> BlockBuilder:
    builder = BlockBuilder()
    assert list(builder.start(OPUS)) == []
    return builder


def test_blocks_close_past_960_ms_and_hand_on_what_they_hold_back():
    builder = started()
    blocks = [*built(builder, [20 * n for n in range(120)]), *builder.flush()]
    assert len(blocks[0].packets) == 48
    assert (blocks[0].first_sample, blocks[0].end_sample) == (0, 48 * 320 - 104 - HELD_BACK_SAMPLES)
    assert len(blocks[1].packets) == 25 + 48
    assert [block.first_sample for block in blocks[1:]] == [block.end_sample for block in blocks[:-1]]
    assert blocks[-1].end_sample == builder.end_sample == 120 * 320 - 104


def test_jitter_is_no_hole_and_a_jump_is():
    builder = started()
    built(builder, [0, 38, 45, 60, 95, 100])
    assert builder.holes == 0
    blocks = [*built(builder, [620, 640]), *builder.flush()]
    assert builder.holes == 1
    assert blocks[0].end_sample == 6 * 320 - 104
    assert blocks[1].first_sample == blocks[0].end_sample + 500 * 16


def test_clocks_that_jump_where_they_cannot_be_leave_no_hole():
    builder = started()
    built(builder, [0, 20, 40 + 3_700_000, 60 + 3_700_000, 0, 20])
    assert (builder.holes, builder.rebased) == (0, 2)
    assert builder.end_sample == 6 * 320 - 104


def test_a_late_timestamp_does_not_move_the_clock_for_good():
    builder = started()
    built(builder, [0, 20, 120, 60, 80, 100, 120, 140, 160, 180, 200, 220])
    assert builder.end_sample == 12 * 320 - 104 + 80 * 16
    built(builder, [360])
    assert builder.end_sample == (360 + 20) * 16 - 104


def test_packets_lost_before_the_first_one_count():
    builder = started()
    builder.lost()
    built(builder, [3_000])
    assert builder.end_sample == 3_020 * 16 - 104


def test_without_timestamps_a_loss_only_parts_the_blocks():
    builder = started()
    built(builder, [None] * 10)
    builder.lost()
    blocks = [*built(builder, [None] * 10), *builder.flush()]
    assert [len(block.packets) for block in blocks] == [10, 10]
    assert blocks[1].first_sample == blocks[0].end_sample


def test_uncompressed_audio_closes_blocks_by_size():
    builder = BlockBuilder()
    list(builder.start(Codec("pcm_s16le", 48_000, 2)))
    sizes = [len(block.packets) for n in range(60) for block in builder.add(Packet(bytes(3_840), 960))]
    assert sizes[0] == 5
    assert max(sizes) == 7


@given(st.lists(st.one_of(st.none(), st.integers(-(10**7), 10**8)), max_size=150), st.integers(0, 150))
def test_the_clock_never_goes_back_and_nothing_is_covered_twice(times_ms, restart_at):
    builder = started()
    blocks = [
        *built(builder, times_ms[:restart_at]),
        *builder.start(OPUS),
        *built(builder, times_ms[restart_at:]),
        *builder.flush(),
    ]
    end = 0
    for block in blocks:
        assert block.first_sample >= end
        assert block.end_sample > block.first_sample
        end = block.end_sample
    assert end == builder.end_sample or not times_ms
