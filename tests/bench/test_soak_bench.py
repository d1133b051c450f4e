"""A soak in short: meetings come and go, each is read along live, and all audio is accounted for; and what counts as flat.

It is played to the local runner; the short load step is played to separate services.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import soak
from bench.load_generator import Plan
from bench.load_play import Playing
from bench.load_usage import Usage
from bench.soak import meetings
from bench.soak_report import Sample, growth, report, table


def test_uploaders_end_however_much_they_have_to_tell() -> None:
    playing = Playing(Plan(0, "t", ()), "tests.bench.talkative_generator")
    try:
        until_s = time.monotonic() + 60
        while playing.is_going_on and time.monotonic() < until_s:
            time.sleep(0.05)
        assert not playing.is_going_on, "it waits until somebody reads what it says"
        assert len(playing.sent().took_ms) == 100_000
    finally:
        playing.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_meetings_come_and_go_and_every_process_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, folder = tmp_path / "samples.jsonl", tmp_path / "temporary"
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "bench.soak",
        "--stack",
        "runner",
        "--minutes",
        "0.3",
        "--streams",
        "2",
        "--meeting-sec",
        "9",
    ]
    command += ["--every-sec", "3", "--keep", str(kept), "--json"]
    environ = {**os.environ, "TMPDIR": str(folder)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=560, check=False)
    assert ran.returncode == 0, ran.stderr
    assert list(folder.iterdir()) == []
    told = json.loads(ran.stdout)
    assert told["meetings"] == 3
    assert told["audio_s"] == 27
    assert told["lost_ms"] == told["incomplete"] == 0
    assert told["statuses"].keys() <= {"200", "201"}
    assert told["events"] > 0
    assert told["growth"].keys() == {"runner", "(whisper)", "queue's file", "kept"}
    assert told["growth"]["runner"].keys() == {"resident MiB", "private MiB", "descriptors", "threads"}
    monkeypatch.setattr(sys, "argv", ["bench.soak", "--stack", "runner", "--report", str(kept)])
    with pytest.raises(SystemExit) as ended:
        soak.main()
    again = capsys.readouterr().out
    assert ended.value.code == 0
    assert "not known yet" in again
    assert "private MiB" in again


def test_so_many_meetings_are_held_at_any_time_and_the_last_ends_with_the_soak() -> None:
    planned = meetings(10.0, 4, 120.0)
    for at_s in range(120, 480, 10):
        assert sum(each.begin_s <= at_s < each.begin_s + each.audio_s for each in planned) == 4
    assert planned[-1].begin_s + planned[-1].audio_s == 600
    assert len({each.name for each in planned}) == len(planned)


MINUTES = [float(minute) for minute in range(60)]


def test_the_slope_is_that_of_the_line_through_the_points() -> None:
    line = growth(MINUTES, [100 + minute / 60 * 12 for minute in MINUTES])
    assert line is not None
    assert line.per_hour == pytest.approx(12)
    assert line.error == pytest.approx(0, abs=1e-6)
    assert not line.flat
    assert growth(MINUTES[:2], [1.0, 2.0]) is None


def test_little_growth_and_mere_noise_are_flat_and_shrinking_too() -> None:
    little = growth(MINUTES, [100 + minute / 60 * 4 for minute in MINUTES])
    noise = growth(MINUTES, [10.0 + 5 * (minute % 2) for minute in MINUTES])
    shrinking = growth(MINUTES, [100 - minute for minute in MINUTES])
    assert all(line is not None and line.flat for line in (little, noise, shrinking))


def sample(minute: float, descriptors: int) -> Sample:
    return Sample(
        minute=minute,
        processes={"ingest": Usage(minute, 100 << 20, 50 << 20, descriptors, 9)},
        redis_keys=None,
        redis_bytes=None,
        queue_messages=1,
        queue_bytes=1 << 20,
        stored_bytes=int(minute) << 20,
    )


def test_what_grows_is_named_and_what_is_kept_by_intent_is_none_of_it() -> None:
    flat = report("embedded", [sample(minute, 30) for minute in MINUTES], warm_up_minutes=10)
    assert flat.flat
    assert flat.samples == 50
    assert "by intent" in table(flat)
    leaking = report("embedded", [sample(minute, 30 + int(minute)) for minute in MINUTES], warm_up_minutes=10)
    assert not leaking.flat
    assert not leaking.growth["ingest"]["descriptors"].flat
    assert leaking.growth["ingest"]["private MiB"].flat
    assert "hot state" not in leaking.growth
    assert leaking.cpu_share == {"ingest": pytest.approx(1 / 60, abs=1e-3)}
    assert " NO" in table(leaking)
