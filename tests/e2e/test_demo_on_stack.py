"""`turnscribe demo --stack`: the same demo on the system as in production."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Demo, without_ids

pytestmark = [pytest.mark.component("whisper", "emulators"), pytest.mark.slow, pytest.mark.timeout(400)]


def test_it_says_what_the_demo_says_and_always_begins_anew(
    uninterrupted: Demo, run_demo: Callable[..., Demo], tmp_path: Path
) -> None:
    on_stack = run_demo(tmp_path, "--stack", "--speed", "0", as_a_user=True)
    assert on_stack.status == 0, on_stack.errors
    report = on_stack.report
    assert (report["lost"], report["complete"], report["resumed"]) == ([], True, False)
    assert report["real_time_factor"] > 0
    assert without_ids(on_stack.transcript) == without_ids(uninterrupted.transcript)
    assert not (tmp_path / "run.json").exists()
    assert {"ingest.log", "segmenter.log", "transcribe.log"} <= {path.name for path in (tmp_path / "logs").iterdir()}
