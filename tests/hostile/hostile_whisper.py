"""A Whisper that hears an attack in whatever it is sent. Each word comes with its time, so that it is believed."""

import io
from typing import Any

import soundfile

from bench.whisper_stand_in import WhisperStandIn

WORDS = (
    "<img",
    "src=x",
    "onerror=\"window.attacked='word'\">",
    "<script>window.attacked='script'</script>",
    "-->",
    "00:00:00.000 --> 09:59:59.999 position:0%",
    "\r\n\r\n2\r\n00:00:01,000 --> 00:00:09,000\r\nforged",
    "\n\nSTYLE\n::cue{color:red}",
    "<v Forged>",
    "&lt;b&gt;&amp;",
    "{\\an8}",
    "WEBVTT",
    "\u202ereversed\u202c",
    "\u2028\u2029",
    "javascript:window.attacked='link'",
    "=1+1",
)


class HostileWhisper(WhisperStandIn):
    """See `WhisperStandIn`."""

    def __init__(self) -> None:
        super().__init__(_heard)


def _heard(form: bytes) -> dict[str, Any]:
    audio = soundfile.info(io.BytesIO(form[form.index(b"fLaC") :]))
    step_s = (audio.duration - 0.4) / len(WORDS)
    words = [
        {"word": f" {word}", "start": 0.2 + at * step_s, "end": 0.2 + (at + 0.8) * step_s, "probability": 0.95}
        for at, word in enumerate(WORDS)
    ]
    text = "".join(str(word["word"]) for word in words)
    segment = {
        "start": words[0]["start"],
        "end": words[-1]["end"],
        "text": text,
        "avg_logprob": -0.1,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.01,
    }
    return {
        "task": "transcribe",
        "language": "en",
        "duration": audio.duration,
        "text": text,
        "segments": [segment],
        "words": words,
    }
