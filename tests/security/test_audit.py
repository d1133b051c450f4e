"""The audit of the lock files: what it asks about, what it lets pass and for how long, and that "was told nothing" is no success.

pip-audit itself runs here too, against a stand-in for the service, on 127.0.0.1.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from threading import Thread

import pytest

from requirements import audit
from requirements.audit import (
    Accepted,
    Finding,
    WrongAcceptance,
    accepts,
    findings_of,
    pins_of,
    read_accepted,
    rounds_of,
)
from tests.security.conftest import ROOT

TODAY = date(2026, 6, 1)
FINDING = Finding("old", "1.0", ("PYSEC-1", "CVE-1"), ("1.1",))
ENTRY = 'id = "CVE-1"\npackage = "old"\nreason = "unused"\nuntil = 2026-06-30\n'


def test_each_version_of_each_lock_file_is_asked_about_whatever_its_markers_say() -> None:
    pins = pins_of(ROOT / "requirements")
    for image in ("ingest", "segmenter", "transcribe", "whisper", "whisper-gpu", "dev", "checkov", "audit"):
        lines = (ROOT / "requirements" / f"{image}.txt").read_text().splitlines()
        pinned = [line.split(" ")[0].split("==") for line in lines if "==" in line and not line.startswith((" ", "#"))]
        assert len(pinned) > 5
        assert all(image in pins[name, version] for name, version in pinned)
    assert any(name == "pywin32" or name == "colorama" for name, _ in pins), "those of other systems too"


def test_no_round_names_a_package_twice_and_none_is_left_out() -> None:
    pins = pins_of(ROOT / "requirements")
    rounds = list(rounds_of(pins))
    assert len(rounds) > 1, "some packages are locked in two versions"
    for each in rounds:
        names = [requirement.partition("==")[0] for requirement in each]
        assert len(names) == len(set(names))
    assert sorted(chain.from_iterable(rounds)) == sorted(f"{name}=={version}" for name, version in pins)
    assert list(rounds_of({})) == []


def test_a_finding_passes_until_its_day_by_any_of_its_ids_and_for_its_package_alone() -> None:
    for known in FINDING.ids:
        accepted = [Accepted(known, "old", "unused", TODAY)]
        assert accepts(accepted, FINDING, TODAY) is accepted[0]
        assert accepts(accepted, FINDING, TODAY + timedelta(days=1)) is None
    for other in (Accepted("CVE-2", "old", "unused", TODAY), Accepted("CVE-1", "new", "unused", TODAY)):
        assert accepts([other], FINDING, TODAY) is None


def test_what_is_accepted_says_why_and_for_half_a_year_at_most() -> None:
    (entry,) = read_accepted(f"[[accepted]]\n{ENTRY}", TODAY)
    assert entry == Accepted("CVE-1", "old", "unused", date(2026, 6, 30))
    for broken in (
        ENTRY.replace("unused", ""),
        ENTRY.replace("2026-06-30", "2027-06-30"),
        ENTRY.replace("2026-06-30", '"2026-06-30"'),
        ENTRY.replace("2026-06-30", "2026-06-30T00:00:00"),
        ENTRY.replace("reason", "why"),
        ENTRY + "severity = 3\n",
        ENTRY + "]",
    ):
        with pytest.raises(WrongAcceptance):
            read_accepted(f"[[accepted]]\n{broken}", TODAY)
    with pytest.raises(WrongAcceptance):
        read_accepted(ENTRY, TODAY)


def test_what_the_project_accepts_can_be_read() -> None:
    read_accepted((ROOT / "requirements" / "accepted.toml").read_text(), date.today())  # noqa: DTZ011 -- a day


def test_a_package_that_the_service_does_not_know_is_not_audited() -> None:
    report = {
        "dependencies": [
            {"name": "a", "skip_reason": "not found"},
            {
                "name": "old",
                "version": "1.0",
                "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}],
            },
            {"name": "good", "version": "2.0", "vulns": []},
        ]
    }
    assert findings_of(report) == ([FINDING], ["a"])


def run_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answers: dict[str, dict[str, object]], accepted: str = ""
) -> int:
    """The audit of two packages, each answered as `answers` says."""
    (tmp_path / "x.txt").write_text("old==1.0 \\\n    --hash=sha256:00\nother==3.0\n")
    (tmp_path / "accepted.toml").write_text(accepted)

    def ask(requirements: list[str], _options: list[str]) -> dict[str, object]:
        return {"dependencies": [answers[each] for each in requirements]}

    monkeypatch.setattr(audit, "ask", ask)
    monkeypatch.setattr(audit, "install", lambda: None)
    return audit.main(["--folder", str(tmp_path)])


VULNERABLE: dict[str, object] = {
    "name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}]
}  # fmt: skip
OTHER: dict[str, object] = {"name": "other", "version": "3.0", "vulns": []}
UNKNOWN: dict[str, object] = {"name": "other", "skip_reason": "not found"}


def test_a_vulnerable_package_fails_it_even_where_others_are_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for other in (OTHER, UNKNOWN):
        assert run_with(monkeypatch, tmp_path, {"old==1.0": VULNERABLE, "other==3.0": other}) == 1
        assert "old 1.0 (x): PYSEC-1 CVE-1: fixed in 1.1" in capsys.readouterr().out


def test_one_package_that_is_not_known_is_enough_for_not_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = VULNERABLE | {"vulns": []}
    assert run_with(monkeypatch, tmp_path, {"old==1.0": good, "other==3.0": UNKNOWN}) == 75
    assert "audit: not done: nothing is known about 1 of 2" in capsys.readouterr().out


def test_what_is_accepted_passes_and_what_is_accepted_for_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until = date.today() + timedelta(days=9)  # noqa: DTZ011 -- a day, as the audit's own
    entry = f"[[accepted]]\n{ENTRY.replace('2026-06-30', until.isoformat())}"
    assert run_with(monkeypatch, tmp_path, {"old==1.0": VULNERABLE, "other==3.0": OTHER}, entry) == 0
    assert f"accepted until {until}: unused" in capsys.readouterr().out
    good = VULNERABLE | {"vulns": []}
    assert run_with(monkeypatch, tmp_path, {"old==1.0": good, "other==3.0": OTHER}, entry) == 0
    assert "nothing that is locked has CVE-1 of old any more" in capsys.readouterr().out
    assert run_with(monkeypatch, tmp_path, {"old==1.0": good, "other==3.0": OTHER}, entry + "[[accepted]]\n") == 78


@contextmanager
def vulnerability_service(vulnerable: str) -> Iterator[tuple[str, list[str]]]:
    """A service in OSV's protocol that knows one vulnerability, of the package `vulnerable`; its URL, and the packages it was asked about."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = query["package"]["name"]
            asked.append(f"{name}=={query['version']}")
            package = {"name": name, "ecosystem": "PyPI"}
            fixed = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}
            known = {"id": "PYSEC-9", "aliases": ["CVE-9"], "affected": [{"package": package, "ranges": [fixed]}]}
            body = json.dumps({"vulns": [known]} if name == vulnerable else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
            """Nothing is worth saying."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "requirements/audit.py", "--osv-url", url, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.slow
def test_pip_audit_asks_about_everything_and_its_findings_fail_the_run() -> None:
    with vulnerability_service("urllib3") as (url, asked):
        told = run(url)
    assert told.returncode == 1, told.stderr
    (line,) = told.stdout.splitlines()
    assert line.startswith("urllib3 ")
    assert "PYSEC-9 CVE-9: fixed in 99.0" in line
    assert set(asked) == {f"{name}=={version}" for name, version in pins_of(ROOT / "requirements")}


@pytest.mark.slow
def test_where_nothing_is_known_it_passes_and_where_nobody_answers_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("old==1.0\n")
    (tmp_path / "accepted.toml").touch()
    with vulnerability_service("nothing") as (url, asked):
        told = run(url, "--folder", str(tmp_path))
    assert (told.returncode, asked) == (0, ["old==1.0"]), told.stderr
    assert told.stdout == "audit: 1 locked packages have no known vulnerability but the 0 accepted ones\n"
    told = run(url, "--folder", str(tmp_path), "--if-reachable")  # nobody listens there any more
    assert (told.returncode, told.stdout[:16]) == (0, "audit: not done:"), told.stderr
