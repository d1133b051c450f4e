"""The delay of a recorded meeting of four, whose true turns are known, with Silero listening."""

from pathlib import Path

import fakeredis
import msgspec
import pytest

from common.events import StreamOptions
from common.speaker_masks import activities_of_masks
from segmenter_service.voice_activity import VoiceActivity
from tests.segmenter_service.stage import START_MS, Stage, held_state, split

SECOND_MS = 1_000


class Truth(msgspec.Struct):
    duration: float
    mask_frame_ms: int
    mask_truth: dict[str, str]


@pytest.mark.component("corpus")
@pytest.mark.parametrize("delay_ms", [400, 1_000, 1_700])
def test_it_is_found_within_150_ms_and_what_was_said_before_is_labelled_anew(corpus: Path, delay_ms: int) -> None:
    truth = msgspec.json.decode((corpus / "meeting" / "meeting.json").read_bytes(), type=Truth)
    chunks = split((corpus / "meeting" / "meeting.webm").read_bytes(), round(truth.duration / 3))
    with fakeredis.FakeRedis() as client:
        stage = Stage(client, scorer=lambda _: VoiceActivity(), SPEAKER_DELAY_SEC="auto")
        stage.options = StreamOptions(started_at_ms=START_MS)
        found_ms, largest = [], 0
        for seq, chunk in enumerate(chunks):
            stage.deliver(stage.upload([chunk], first_seq=seq, end=False))
            for second in range(3 * seq, 3 * seq + 3):
                windows = [(who, mask[10 * second : 10 * second + 10]) for who, mask in truth.mask_truth.items()]
                if all(mask for _, mask in windows):
                    end_ms = START_MS + delay_ms + (second + 1) * SECOND_MS
                    from_ms, to_ms, spoken = activities_of_masks(end_ms, truth.mask_frame_ms, windows)
                    shown = [(each.speaker, each.start_ms, each.end_ms) for each in spoken]
                    stage.deliver([stage.observe(from_ms, to_ms, *shown, clock="epoch")])
            held = held_state(client)
            found_ms.append(held.delay.ms)
            largest = max(largest, stage.drainer.mailbox("default", "call-1").size_bytes())
        stage.deliver([stage.end(len(chunks) - 1)])
    assert held.delay.known
    assert abs(found_ms[-1] - delay_ms) <= 150
    assert len(set(found_ms)) == 2, "it moved once, from what it began with"
    assert largest < 32_768
    first = min(stage.relabelled(), key=lambda each: each.start_ms)
    assert first.start_ms < 2_000, "the delay was known early enough for the first segment"
    onsets = {who: 100 * mask.find("1") for who, mask in truth.mask_truth.items()}
    assert abs(first.turns[0].start_ms - onsets[first.turns[0].speaker]) <= 150
