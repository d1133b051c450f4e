"""The oracle sees: each fault that a schedule could leave is made in what a run without faults would show, and is reported."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.pipeline.accepted import Accepted, AcceptedStream
from tests.chaos.pipeline.evidence import Evidence, FinalSegment, StreamEvidence
from tests.chaos.pipeline.oracle import judge, reference_of
from tests.chaos.pipeline.recordings import Piece, Recording
from tests.chaos.pipeline.streams import PlannedStream
from turnscribe.demo.speakers import Turn

AUDIO_MS = 6_010
PIECES = tuple(Piece(bytes([seq]) * 10, 1_000 * (seq + 1)) for seq in range(6))
RECORDING = Recording("talk", "audio/webm", PIECES, AUDIO_MS, (Turn("Ann", 0.5, 5.0),), lost=frozenset({3}))
PLANNED = PlannedStream(RECORDING, "chunks", "masks")
Fault = Callable[[Accepted, Evidence], None]


def schedule(run: str) -> tuple[Accepted, Evidence]:
    """What a run of one stream was told, and what there is to see of it when all is well."""
    stream = AcceptedStream(PLANNED, PLANNED.meeting_id(run), PLANNED.connection_id(run))
    stream.chunks = {seq: piece.data for seq, piece in enumerate(PIECES) if seq != 3}
    stream.observations, stream.ended = 2, True
    finals = [FinalSegment(0, 512, 3_008, 99), FinalSegment(0, 4_000, 5_024, 98), FinalSegment(0, 5_024, 6_016, 97)]
    account = {
        "connection_id": stream.connection_id,
        "state": "closed",
        "audio_ms": AUDIO_MS,
        "silence_skipped_ms": 512 + 992,
        "segments": 3,
        "gaps": [{"from_seq": 3, "to_seq": 3, "start_ms": 3_000, "end_ms": 4_010}],
    }
    utterances = [_utterance(stream.connection_id, each, f"w{number}") for number, each in enumerate(finals)]
    transcript = {"meeting_id": stream.meeting_id, "complete": True, "streams": [account], "utterances": utterances}
    seen = StreamEvidence("talk", stream.connection_id, dict(stream.chunks), 2, True, finals, [3], account=account)
    return Accepted(run, (stream,)), Evidence({"talk": seen}, {stream.meeting_id: transcript})


def _utterance(connection_id: str, final: FinalSegment, text: str) -> dict[str, Any]:
    word = {"text": text, "start_ms": final.start_ms, "end_ms": final.end_ms, "speaker": "Ann"}
    return {
        "text": text,
        "start_ms": final.start_ms,
        "end_ms": final.end_ms,
        "start_at": "2025-06-15T15:06:40Z",
        "connection_id": connection_id,
        "segment_id": f"{connection_id}:0:{final.start_ms}",
        "final": True,
        "speaker": "Ann",
        "words": [word],
    }


def seen(evidence: Evidence) -> StreamEvidence:
    return evidence.streams["talk"]


def transcript(evidence: Evidence) -> dict[str, Any]:
    (found,) = evidence.transcripts.values()
    return found


def account(evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = transcript(evidence)["streams"][0]
    return found


def judged(fault: Fault) -> list[str]:
    accepted, evidence = schedule("faulty")
    fault(accepted, evidence)
    return judge(accepted, evidence, reference_of(*schedule("faultless")))


def test_a_run_that_ended_as_the_faultless_one_has_no_differences() -> None:
    assert judged(lambda _accepted, _evidence: None) == []


def _lose_chunk(accepted: Accepted, evidence: Evidence) -> None:
    del seen(evidence).chunks[2]


def _change_chunk(accepted: Accepted, evidence: Evidence) -> None:
    seen(evidence).chunks[2] = b"other"


def _lose_segment(accepted: Accepted, evidence: Evidence) -> None:
    del seen(evidence).finals[1]


def _overlap(accepted: Accepted, evidence: Evidence) -> None:
    seen(evidence).finals.insert(1, FinalSegment(0, 2_976, 4_000, 50))


def _other_audio(accepted: Accepted, evidence: Evidence) -> None:
    seen(evidence).finals[0] = FinalSegment(0, 512, 3_008, 12)


def _forget_milliseconds(accepted: Accepted, evidence: Evidence) -> None:
    account(evidence)["silence_skipped_ms"] -= 1


def _hide_gap(accepted: Accepted, evidence: Evidence) -> None:
    account(evidence)["gaps"] = []


def _widen_gap(accepted: Accepted, evidence: Evidence) -> None:
    account(evidence)["gaps"][0]["end_ms"] = 4_600


def _another_gap(accepted: Accepted, evidence: Evidence) -> None:
    account(evidence)["gaps"].append({"from_seq": 5, "to_seq": 5, "start_ms": 5_000, "end_ms": 6_010})


def _forget_audio(accepted: Accepted, evidence: Evidence) -> None:
    account(evidence)["audio_ms"] -= 1_000


def _leave_open(accepted: Accepted, evidence: Evidence) -> None:
    account(evidence)["state"] = "open"


def _change_word(accepted: Accepted, evidence: Evidence) -> None:
    transcript(evidence)["utterances"][1]["words"][0]["text"] = "other"


def _change_speaker(accepted: Accepted, evidence: Evidence) -> None:
    transcript(evidence)["utterances"][1]["words"][0]["speaker"] = "Bo"


def _change_clock(accepted: Accepted, evidence: Evidence) -> None:
    transcript(evidence)["utterances"][1]["start_at"] = "2025-06-15T15:06:41Z"


def _double_word(accepted: Accepted, evidence: Evidence) -> None:
    words = transcript(evidence)["utterances"][1]["words"]
    words.append(copy.deepcopy(words[0]))


def _double_utterance(accepted: Accepted, evidence: Evidence) -> None:
    utterances = transcript(evidence)["utterances"]
    utterances.append(copy.deepcopy(utterances[0]))


def _leave_provisional(accepted: Accepted, evidence: Evidence) -> None:
    transcript(evidence)["utterances"][0]["final"] = False


def _say_without_audio(accepted: Accepted, evidence: Evidence) -> None:
    transcript(evidence)["utterances"][0]["segment_id"] += "7"


def _lose_transcript(accepted: Accepted, evidence: Evidence) -> None:
    evidence.transcripts.clear()


def _leave_incomplete(accepted: Accepted, evidence: Evidence) -> None:
    transcript(evidence)["complete"] = False


def _lose_end(accepted: Accepted, evidence: Evidence) -> None:
    seen(evidence).has_end = False


def _lose_observation(accepted: Accepted, evidence: Evidence) -> None:
    seen(evidence).observations -= 1


def _put_aside(accepted: Accepted, evidence: Evidence) -> None:
    seen(evidence).quarantine.append("00000002")


def _find_fault(accepted: Accepted, evidence: Evidence) -> None:
    seen(evidence).faults.append("chunk-differs")


def _give_up(accepted: Accepted, evidence: Evidence) -> None:
    accepted.streams[0].failure = "GivenUp: 503"


def _answer_500(accepted: Accepted, evidence: Evidence) -> None:
    evidence.defects.append("segmenter: ValueError: unexpected")


def _change_recording(accepted: Accepted, evidence: Evidence) -> None:
    accepted.streams[0].whole = b"all of it"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_lose_chunk, "talk: chunk 2 was accepted and is not in the bucket"),
        (_change_chunk, "talk: chunk 2 has other bytes than were accepted"),
        (_answer_500, "answered 500 by segmenter: ValueError: unexpected"),
        (_change_recording, "talk: other bytes in 5 chunks than the 9 that were accepted"),
        (_lose_segment, "talk: its account names 3 segments, the bucket has 2"),
        (_overlap, "talk: segments overlap: 0:512–3008 ms and 0:2976–4000 ms of channel 0"),
        (_other_audio, "talk: segments "),
        (_forget_milliseconds, "talk: 4506 ms in segments + 1503 ms of silence and gaps ≠ 6010 ms of audio"),
        (_hide_gap, "talk: gaps of chunks [], where [3] never came"),
        (_widen_gap, "talk: the gap 3000–4600 ms has segments in it"),
        (_another_gap, "talk: gaps of chunks [(3, 3), (5, 5)], where [3] never came"),
        (_forget_audio, "talk: 5010 ms of audio in 1 lanes, 6010 ms were accepted"),
        (_leave_open, "talk: it is not closed"),
        (_change_word, 'talk: transcript.utterances[1].words[0].text is "other"'),
        (_change_speaker, 'talk: transcript.utterances[1].words[0].speaker is "Bo"'),
        (_change_clock, "talk: transcript.utterances[1].start_at is "),
        (_double_word, "talk: the word w1 at 4000 ms stands there 2 times"),
        (_double_utterance, "talk: an utterance at 512 ms stands there 2 times"),
        (_leave_provisional, "talk: its transcript has provisional text"),
        (_say_without_audio, "talk: words of faulty-talk:0:5127 that has no audio"),
        (_lose_transcript, "talk: no transcript"),
        (_leave_incomplete, "talk: its transcript is not complete"),
        (_lose_end, "talk: its end was accepted and is not in the bucket"),
        (_lose_observation, "talk: 2 observations were accepted, 1 are in the bucket"),
        (_put_aside, "talk: in quarantine ['00000002']; without faults []"),
        (_find_fault, "talk: faults ['chunk-differs']; without faults []"),
        (_give_up, "talk: its uploader gave up: GivenUp: 503"),
    ],
)
def test_every_fault_that_could_be_left_is_reported(fault: Fault, said: str) -> None:
    assert any(each.startswith(said) for each in judged(fault)), judged(fault)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("dead_letters", "left over, a dead letter: it"),
        ("unregistered", "left over, unregistered: it"),
        ("standing_by", "left over, standing by: it"),
        ("quarantined_pushes", "left over, a push in quarantine: it"),
        ("mail", "left over, mail in: it"),
        ("leases", "left over, leased: it"),
    ],
)
def test_whatever_is_left_anywhere_is_reported(where: str, said: str) -> None:
    assert judged(lambda _, evidence: getattr(evidence, where).append("it")) == [said]


def test_what_the_queue_still_holds_is_reported() -> None:
    assert judged(lambda _, evidence: setattr(evidence, "waiting", 2)) == ["left over, not acknowledged: 2 messages"]


def test_a_stream_that_tells_no_time_may_have_any_and_no_other_difference() -> None:
    planned = PlannedStream(RECORDING, "session")
    runs = [schedule("faultless"), schedule("faulty")]
    for accepted, _ in runs:
        accepted.streams[0].planned = planned
    transcript(runs[1][1])["utterances"][0]["start_at"] = "2031-01-01T00:00:00Z"
    assert judge(*runs[1], reference_of(*runs[0])) == []
    transcript(runs[1][1])["utterances"][0]["start_ms"] += 1
    assert judge(*runs[1], reference_of(*runs[0])) != []
