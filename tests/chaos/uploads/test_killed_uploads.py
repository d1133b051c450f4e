"""An uploader and a server that are killed at random moments, again and again: each file arrives once, byte for byte.

Real processes: `turnscribe upload`, and ingest under gunicorn on files. Files, moments and victims come from one seed.
"""

import hashlib
import random
import time
from collections import Counter, deque
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.conftest import Chaos
from tests.chaos.uploads.oracle import Expected, differences, listen, object_names
from tests.chaos.uploads.schedule import MARKS, PIECE_BYTES, Kill, draw_files, draw_kills
from tests.chaos.uploads.victims import Ingest, Uploader
from turnscribe.upload_identity import UploadOptions, connection_of, fingerprint, meeting_named_after

RATE: Final = "6M"
"""Bytes per second that the uploader is held to: a round takes seconds, and kills land in the middle of it."""
MOMENT_S: Final = 20.0
"""A moment that does not come within this is not waited for any longer."""
FINISH_S: Final = 120.0


class Round:
    """Some files, uploaded by one command that is started until it has ended well."""

    def __init__(
        self, folder: Path, files: list[bytes], meeting_id: str | None, ingest: Ingest, data_dir: Path
    ) -> None:
        folder.mkdir()
        self._data_dir = data_dir
        self._ingest = ingest
        self.killed: Counter[str] = Counter()
        self.resumed = 0
        """Files that the last run found half uploaded."""
        self.expected: list[Expected] = []
        paths = []
        for number, data in enumerate(files):
            paths.append(folder / f"talk {number}.webm")
            paths[-1].write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            meeting = meeting_id or meeting_named_after(paths[-1].name, digest)
            self.expected.append(Expected(meeting, connection_of(fingerprint(digest, meeting, UploadOptions())), data))
        options = ["--parallel", "3", "--limit-rate", RATE, "--timeout", "60"]
        options += ["--meeting", meeting_id] if meeting_id else []
        self._uploader = Uploader(ingest.url, paths, options, folder / "uploader.log")

    def run(self, kills: deque[Kill]) -> None:
        """Kill until the command ends well before the next moment, or nobody is left to be killed."""
        with closing(self._uploader):
            self._uploader.start(times=1)
            while kills and self._comes(kills[0]):
                self._kill(kills.popleft())
            results = self._uploader.results(FINISH_S)
        for told in results:
            connections = [(each["meeting_id"], each["connection_id"]) for each in told["files"]]
            assert connections == [(each.meeting_id, each.connection_id) for each in self.expected]
            self.resumed += sum(0 < each["resumed_from_bytes"] < each["size_bytes"] for each in told["files"])

    def _comes(self, kill: Kill) -> bool:
        """Wait for the moment; False when the command has ended first."""
        began_s = time.monotonic()
        before = self._objects(kill)
        while self._uploader.is_running:
            waited_s = time.monotonic() - began_s
            if waited_s >= (kill.after_s if kill.moment == "time" else MOMENT_S):
                return True
            if kill.moment != "time" and self._objects(kill) - before >= kill.count:
                return True
            time.sleep(0.001)
        return False

    def _objects(self, kill: Kill) -> int:
        if kill.moment == "time":
            return 0
        return sum(MARKS[kill.moment] in name for name in object_names(self._data_dir))

    def _kill(self, kill: Kill) -> None:
        match kill.victim:
            case "uploader":
                self._uploader.kill()
                time.sleep(kill.down_s)
                self._uploader.start(kill.times)
            case "server":
                self._ingest.kill()
                time.sleep(kill.down_s)
                self._ingest.start()
            case "worker":
                if not self._ingest.kill_worker():  # not there again since the last time: then all of it
                    self._ingest.kill()
                    self._ingest.start()
        self.killed[f"{kill.victim} at {kill.moment}"] += 1


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_each_file_arrives_once_byte_for_byte(chaos: Chaos, tmp_path: Path) -> None:
    chance = random.Random(chaos.seed)
    kills = deque(draw_kills(chance, chaos.kills))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    listen(data_dir)
    expected: list[Expected] = []
    killed: Counter[str] = Counter()
    resumed = 0
    began_s = time.monotonic()
    with closing(Ingest(data_dir, tmp_path / "ingest.log")) as ingest:
        ingest.start()
        ingest.wait_until_ready()
        rounds = 0
        while kills:
            rounds += 1
            assert rounds <= 10 + 2 * chaos.kills, "the kills come too late"
            meeting_id = chance.choice([None, f"meeting-{rounds}"])
            one = Round(tmp_path / f"round {rounds}", draw_files(chance, 5 * PIECE_BYTES), meeting_id, ingest, data_dir)
            try:
                one.run(kills)
            except BaseException:
                print(f"replay: {chaos.replay}   (logs below {tmp_path})")
                raise
            expected += one.expected
            killed += one.killed
            resumed += one.resumed
        ingest.wait_until_ready()
        ingest.stop()
    total_bytes = sum(len(each.data) for each in expected)
    print(
        f"seed {chaos.seed}: {len(expected)} files, {total_bytes} bytes, in {rounds} rounds and {time.monotonic() - began_s:.0f} s; "
        f"{resumed} found half uploaded by their last run; "
        + ", ".join(f"{count} × {what}" for what, count in sorted(killed.items()))
    )
    found = differences(data_dir, expected)
    assert found == [], f"replay: {chaos.replay}   (data below {tmp_path})"
    victims = Counter[str]()
    for what, count in killed.items():
        victims["uploader" if what.startswith("uploader") else "server"] += count
    assert victims == {"uploader": chaos.kills, "server": chaos.kills}
