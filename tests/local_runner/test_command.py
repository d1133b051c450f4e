import os
import subprocess
import sys
from pathlib import Path

from local_runner.data_dir import lock_folder


def _run(**environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "local_runner"]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False)


def test_bad_settings_are_told_one_a_line_and_nothing_starts(tmp_path: Path) -> None:
    done = _run(DATA_DIR=str(tmp_path), SEGMENT_SIZE_SEC="ten", PROCESSING_THREADS="0")
    assert (done.returncode, done.stdout) == (78, "")
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["SEGMENT_SIZE_SEC", "PROCESSING_THREADS"]


def test_a_second_runner_on_one_folder_is_refused(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        done = _run(DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (75, "")
    assert "another runner" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_native_is_loaded_before_the_fork() -> None:
    """Threads of native libraries do not survive a fork; a worker that inherits them aborts when it exits."""
    code = (
        "import sys, local_runner.__main__\n"
        "print(sorted({'av', 'ctranslate2', 'numpy', 'onnxruntime', 'soundfile'} & sys.modules.keys()))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
