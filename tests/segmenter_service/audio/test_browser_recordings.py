"""Real recordings, as browsers cut them."""

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.component("corpus")


@pytest.mark.parametrize(
    ("folder", "container", "seconds"),
    [("chrome156_webm_3s", "webm", 90.96), ("firefox153_webm_3s", "webm", 20.57), ("chrome156_mp4_opus", "mp4", 7.90)],
)
def test_browser_recordings_go_through_as_they_are(kit, corpus: Path, folder, container, seconds):
    chunks = [path.read_bytes() for path in sorted((corpus / "browser" / folder).glob("chunk_*.bin"))]
    reading = kit.read(chunks)
    assert reading.reader.container == container
    assert reading.samples.shape[1] / 16_000 == pytest.approx(seconds, abs=0.02)
    assert reading.largest_snapshot_bytes < 10_000
    assert reading.reader.refused_packets == 0
    expected = kit.reference(b"".join(chunks))
    length = min(len(expected), reading.samples.shape[1])
    difference = np.abs(reading.samples[0][:length].astype(np.int32) - expected[:length])
    assert difference[32:-320].max() <= 8
    assert np.array_equal(kit.read([b"".join(chunks)]).samples, reading.samples)


def test_the_meeting_is_as_long_as_it_was(kit, corpus: Path):
    recording = (corpus / "meeting" / "meeting.webm").read_bytes()
    reading = kit.read(kit.cut(recording, [n / 110 for n in range(110)]))
    assert reading.samples.shape[1] / 16_000 == pytest.approx(330.1, abs=0.05)


def test_a_lost_chromium_chunk_costs_no_more_than_a_cluster(kit, corpus: Path):
    chunks = [path.read_bytes() for path in sorted((corpus / "browser" / "chrome156_webm_3s").glob("chunk_*.bin"))]
    whole = kit.read(chunks).samples[0].astype(np.float64)
    reader = kit.read([]).reader
    before = [block for chunk in chunks[:9] for block in reader.feed(chunk)]
    reader.lost()
    after = [block for chunk in chunks[10:] for block in reader.feed(chunk)]
    resumed = next(block for block in after if block.first_sample > before[-1].first_sample + 32_000)
    assert 3 * 16_000 <= resumed.first_sample - 9 * 3 * 16_000 <= 13 * 16_000
    same = whole[resumed.first_sample :][: resumed.samples.shape[1]]
    assert np.corrcoef(resumed.samples[0], same)[0, 1] > 0.99
