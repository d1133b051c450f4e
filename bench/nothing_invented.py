"""Does the transcript have words where nobody spoke?

    python -m bench.nothing_invented [--minutes 10] [--seed 1] [--json]

Sends silence, noises, hum and music (`bench.wordless_audio`) through the real pipeline (local server, HTTP, the packaged model)
and prints the words of the transcript, those of live revisions too: there must be none. Most of it is skipped, for voice
activity finds no speech in it. What Whisper would have made of it is shown second: every piece sent to it directly, and what
is left of its words after those that are not believed. Exits with 1 where a word is left. Ten minutes take about three.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from bench.local_pipeline import MODEL, transcript_of
from bench.offline_pipeline import as_answered, full_scale, segment_event
from bench.wordless_audio import SAMPLE_RATE, SOUNDS, Pcm, programme, sound
from common.clock import SystemClock
from common.logs import configure
from segmenter_service.segment_audio import PADDING_MS
from transcribe_service.recognition.disbelief.heard import heard_in
from transcribe_service.recognition.disbelief.rules import believed
from turnscribe.demo.run import words_of
from turnscribe.schema import Transcript
from whisper_service.engine import WhisperEngine
from whisper_service.model_location import locate
from whisper_service.transcription import Engine, Request

BEAM_SIZE: Final = 5
PIECE_S: Final = 10.0
_PADDING: Final = np.zeros(PADDING_MS * SAMPLE_RATE // 1000, np.int16)


def write_webm(pcm: Pcm, path: Path) -> None:
    """WebM with Opus, as a browser records."""
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def through_the_pipeline(minutes: float, seed: int) -> dict[str, Any]:
    """What the services make of it."""
    live: list[str] = []

    def look(transcript: Transcript) -> None:
        live.extend(word.text for word in words_of(transcript))

    with tempfile.TemporaryDirectory(prefix="turnscribe-bench-") as folder:
        recording = Path(folder) / "wordless.webm"
        write_webm(np.concatenate(list(programme(60 * minutes, seed))), recording)
        transcript = transcript_of(recording, environ={"WHISPER_LANGUAGE": "en"}, while_it_grows=look)
    (account,) = transcript.streams
    return {
        "words": [word.text for word in words_of(transcript)],
        "live_words": live,
        "audio_s": (account.audio_ms or 0) / 1000,
        "silence_skipped_s": (account.silence_skipped_ms or 0) / 1000,
        "segments": account.segments or 0,
        "words_dropped": account.words_dropped or {},
    }


def straight_to_whisper(minutes: float, seed: int, engine: Engine) -> dict[str, Any]:
    """What Whisper says of each piece, as if voice activity had taken all of it for speech, and what is believed of that."""
    said: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    left: list[str] = []
    names = list(SOUNDS)
    for number in range(round(60 * minutes / PIECE_S)):
        name = names[number % len(names)]
        audio = np.concatenate([_PADDING, sound(name, PIECE_S, seed + number), _PADDING])
        found = engine.transcribe(full_scale(audio), Request(language="en", word_times=True, segment_times=False))
        remaining = believed(heard_in(as_answered(found), segment_event(0, round(PIECE_S * 1000))))
        said[name] += len(found.words)
        dropped.update(remaining.dropped)
        left += [word.text for word in remaining.words]
    return {
        "whisper_said": {name: count for name, count in said.items() if count},
        "direct_words_dropped": dict(dropped),
        "direct_words": left,
    }


def _table(numbers: dict[str, Any]) -> str:
    def shown(value: Any) -> str:
        match value:
            case dict():
                return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
            case list():
                return f"{len(value)} {' '.join(value)}".strip()
        return f"{value:g}"

    return "\n".join(f"{name.replace('_', ' '):<32}{shown(value)}" for name, value in numbers.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="bench.nothing_invented", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of noise and silence (10)")
    parser.add_argument("--seed", type=int, default=1, help="of the sounds (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    configure("bench", "WARNING", sys.stderr)
    numbers = through_the_pipeline(options.minutes, options.seed)
    engine = WhisperEngine(locate(MODEL), workers=1, beam_size=BEAM_SIZE, clock=SystemClock())
    engine.load()
    numbers |= straight_to_whisper(options.minutes, options.seed, engine)
    print(json.dumps(numbers) if options.json else _table(numbers))
    return 1 if numbers["words"] or numbers["live_words"] or numbers["direct_words"] else 0


if __name__ == "__main__":
    sys.exit(main())
