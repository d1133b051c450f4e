import io
from pathlib import Path

import pytest

from turnscribe.upload import UploadedRecording, UploadProgress
from turnscribe.upload_batch import Outcome
from turnscribe.upload_views import PlainUploads, UploadBars, outcome_text, size_text

PATH = Path("talks/a.wav")


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (8_388_608, "8.4 MB"),
        (10**13, "10000.0 GB"),
    ],
)
def test_sizes_for_people(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


@pytest.mark.parametrize(
    ("resumed_from", "how"),
    [(0, "5.0 kB uploaded;"), (2_000, "5.0 kB uploaded, going on at 2.0 kB;"), (5_000, "5.0 kB were there already;")],
)
def test_an_outcome_says_what_was_done(resumed_from: int, how: str) -> None:
    line = outcome_text(Outcome(PATH, UploadedRecording("c", "m", 5_000, resumed_from)))
    assert line == f"talks/a.wav: {how} meeting m, connection c"


def test_a_failure_names_the_file_once() -> None:
    assert outcome_text(Outcome(PATH, None, "409 Conflict")) == "talks/a.wav: 409 Conflict"
    assert outcome_text(Outcome(PATH, None, "talks/a.wav: is empty")) == "talks/a.wav: is empty"


def test_lines_are_few() -> None:
    out, now_s = io.StringIO(), [0.0]
    view = PlainUploads(out, lambda: now_s[0])
    for step in range(100):
        now_s[0] = step * 0.25
        view.progress(PATH, UploadProgress("sending", step * 1_000, 0, 100_000))
    view.progress(PATH, UploadProgress("waiting", 0, 0, 100_000, "busy; next try in 2.0 s"))
    assert out.getvalue().splitlines() == [
        "talks/a.wav: 40.0 kB of 100.0 kB",
        "talks/a.wav: 80.0 kB of 100.0 kB",
        "talks/a.wav: busy; next try in 2.0 s",
    ]


def test_bars_leave_a_line_for_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    view = UploadBars()
    view.progress(PATH, UploadProgress("reading", 10, 0, 100))
    view.progress(PATH, UploadProgress("waiting", 10, 0, 100, "busy [bold]"))
    view.finished(Outcome(PATH, UploadedRecording("c", "m", 5_000, 0)))
    view.finished(Outcome(Path("never/begun.wav"), None, "no"))
    view.say("done [red]")
    view.close()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "talks/a.wav: 5.0 kB uploaded; meeting m, connection c" in shown.err
    assert "never/begun.wav: no" in shown.err
    assert "done [red]" in shown.err
