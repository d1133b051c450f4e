import io

import pytest

from turnscribe.demo.report import Report, ServerStats, losses, real_time_factor
from turnscribe.demo.views import PlainView, Progress
from turnscribe.schema import Gap, StreamAccount, StreamStatus, Transcript, Utterance

STATUS = StreamStatus("c", "m", chunks=3, bytes=9, next_seq=3, missing=(), ended=True, last_seq=2)
CLOSED = StreamAccount("c", "closed", audio_ms=9000, silence_skipped_ms=0, segments=1)


def _transcript(account: StreamAccount = CLOSED, *, complete: bool = True) -> Transcript:
    return Transcript("m", complete=complete, streams=(account,), utterances=())


def _lost(
    status: StreamStatus = STATUS, transcript: Transcript | None = None, duration_ms: int | None = 9100, dead: int = 0
) -> tuple[str, ...]:
    return losses(status, transcript or _transcript(), chunks_sent=3, duration_ms=duration_ms, dead_letters=dead)


def test_nothing_is_lost_when_everything_is_accounted_for() -> None:
    assert _lost() == ()
    assert _lost(duration_ms=None) == ()


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [
        (_lost(StreamStatus("c", "m", 2, 9, 1, (1,), ended=True)), "missing: [1]"),
        (_lost(transcript=_transcript(complete=False)), "not complete"),
        (_lost(duration_ms=10_100), "10.1 s of audio were sent, 9.0 s"),
        (_lost(dead=2), "2 events were given up"),
        (
            _lost(transcript=_transcript(StreamAccount("c", "closed", 9000, 0, 1, (Gap(4, 5, 0, 3000),)))),
            "chunks 4 to 5 never came (3.0 s",
        ),
        (
            _lost(transcript=_transcript(StreamAccount("c", "closed", 9000, 0, 1, quarantined=1))),
            "quarantine",
        ),
    ],
)
def test_each_loss_is_named(lost: tuple[str, ...], sentence: str) -> None:
    assert len(lost) == 1
    assert sentence in lost[0]


def test_the_real_time_factor_counts_whisper_and_the_pipeline() -> None:
    assert real_time_factor(ServerStats(1.0, 2.0), ServerStats(3.0, 8.0), 16.0) == pytest.approx(0.5)
    assert real_time_factor(ServerStats(1.0, None), ServerStats(3.0, None), 16.0) is None
    assert real_time_factor(ServerStats(1.0, 2.0), ServerStats(3.0, 8.0), 0.0) is None


@pytest.mark.parametrize("scored", [True, False])
def test_the_accuracies_are_told_where_there_is_a_ground_truth(scored: bool) -> None:
    rate = 0.125 if scored else None
    report = Report(
        meeting_id="m",
        audio_seconds=9.0,
        words=3,
        segments=1,
        real_time_factor=0.5,
        seconds_to_final=1.5,
        word_error_rate=rate,
        speaker_accuracy=rate,
        files={"srt": "a.srt"},
        url="http://x",
        resumed=False,
        complete=True,
    )
    always = {"audio_seconds", "words", "segments", "real_time_factor", "seconds_to_final", "files", "url"}
    assert always <= report.as_json().keys()
    assert ("word_error_rate" in report.as_json()) == scored
    assert ("speaker_accuracy" in report.as_json()) == scored
    assert any("word error rate" in name for name, _ in report.as_rows()) == scored


def _utterance(text: str, *, final: bool, speaker: str | None = "Ann") -> Utterance:
    return Utterance(text, 61_000, 62_000, "c", f"c:0:{len(text)}", final, speaker)


def test_lines_show_every_utterance_once_when_it_is_final() -> None:
    out = io.StringIO()
    view = PlainView(out)
    live, final, unknown = (
        _utterance("hello", final=False),
        _utterance("hello", final=True),
        _utterance("who", final=True, speaker=None),
    )
    for shown in ((live,), (final,), (final, unknown)):
        view.update(Transcript("m", complete=False, streams=(), utterances=shown), Progress(1, 1, None))
    assert out.getvalue() == "01:01 Ann: hello\n01:01 ?: who\n"
