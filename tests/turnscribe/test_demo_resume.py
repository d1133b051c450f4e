from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.demo import run_record
from turnscribe.demo.playback import Step, resume_at_ms, schedule
from turnscribe.demo.recording import Piece, Recording
from turnscribe.demo.run_record import RunRecord, finished, unfinished
from turnscribe.demo.speakers import MaskWindow

RECORD = RunRecord(
    audio="a.webm",
    sha256="aa",
    speakers_sha256="bb",
    piece_ms=3000,
    meeting_id="m",
    connection_id="c",
    started_at_ms=1_700_000_000_000,
)


def _pieces(count: int) -> tuple[Piece, ...]:
    return tuple(Piece(seq, seq, seq + 1, (seq + 1) * 3000) for seq in range(count))


def _recording(count: int) -> Recording:
    return Recording(Path("a.webm"), bytes(count), "audio/webm", count * 3000, _pieces(count))


def test_what_becomes_known_first_is_sent_first() -> None:
    windows = [MaskWindow(end_ms, ()) for end_ms in range(1000, 8000, 1000)]
    steps = schedule(_recording(2), windows)
    assert [step.at_ms for step in steps] == [1000, 2000, 3000, 3000, 4000, 5000, 6000, 6000, 7000]
    assert [step.what.seq for step in steps if isinstance(step.what, Piece)] == [0, 1]


@given(st.integers(0, 12), st.sets(st.integers(0, 11)))
def test_playing_goes_on_at_the_first_chunk_that_is_not_durable(count: int, durable: set[int]) -> None:
    steps = tuple(Step(piece.end_ms or 0, piece) for piece in _pieces(count))
    contiguous = next((seq for seq in range(count) if seq not in durable), count)
    assert resume_at_ms(steps, frozenset(durable)) == contiguous * 3000


def test_an_unfinished_run_of_the_same_input_goes_on(tmp_path: Path) -> None:
    run_record.save(tmp_path, RECORD)
    wanted = RunRecord(
        audio="elsewhere/a.webm",
        sha256="aa",
        speakers_sha256="bb",
        piece_ms=3000,
        meeting_id="new",
        connection_id="new",
        started_at_ms=1,
    )
    assert unfinished(run_record.load(tmp_path), wanted) == RECORD


@pytest.mark.parametrize("other", [{"sha256": "xx"}, {"speakers_sha256": ""}, {"piece_ms": 1000}])
def test_other_input_makes_a_new_run(other: dict[str, object]) -> None:
    import msgspec

    assert unfinished(RECORD, msgspec.structs.replace(RECORD, **other)) is None


def test_a_finished_run_is_not_gone_on_with(tmp_path: Path) -> None:
    run_record.save(tmp_path, finished(RECORD))
    assert unfinished(run_record.load(tmp_path), RECORD) is None


def test_no_record_and_a_torn_one_are_none(tmp_path: Path) -> None:
    assert run_record.load(tmp_path) is None
    (tmp_path / run_record.FILE_NAME).write_bytes(b'{"audio": "a')
    assert run_record.load(tmp_path) is None
