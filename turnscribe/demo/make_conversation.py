"""Makes the demo conversation: `python -m turnscribe.demo.make_conversation FOLDER`.

Writes `conversation.webm`, a recording as a browser writes it, and `conversation.json`, who said what and when.
Three voices of the flite speech synthesizer read the lines below; nobody was recorded and the speakers are roles.
The demo ships the result, so only who changes the conversation runs this. It needs the `flite` program and PyAV.
docs/demo-conversation.md says how it is made and under which licence the voices are.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from turnscribe.demo.live_webm import live_webm

Samples = npt.NDArray[np.float32]

RATE_HZ: Final = 16_000
"""Rate of flite's voices and of the mix."""
OPUS_RATE_HZ: Final = 48_000
PACKET_MS: Final = 60
CLUSTER_MS: Final = 3_000
BIT_RATE: Final = 32_000
ROOM_NOISE_DBFS: Final = -60.0
LEAD_S: Final = 0.8
"""Room noise before the first and after the last word."""
MAX_SPEECH_PEAK: Final = 0.9


@dataclass(frozen=True)
class Voice:
    """How a role sounds: the flite voice and its loudness while it speaks, in dB relative to full scale (RMS)."""

    flite: str
    level_dbfs: float


@dataclass(frozen=True)
class Line:
    """One turn. It begins `after_s` seconds after the line before it has ended; negative means overlap."""

    speaker: str
    text: str
    after_s: float = 0.5


@dataclass(frozen=True)
class Turn:
    """One turn as it was laid into the mix, in seconds since the recording's start."""

    speaker: str
    start: float
    end: float
    text: str


VOICES: Final = {"Chair": Voice("slt", -22.0), "Engineer": Voice("rms", -25.0), "Designer": Voice("awb", -28.0)}

LINES: Final = (
    Line("Chair", "Good morning everyone. Thank you for coming to the planning meeting for our spring release."),
    Line("Engineer", "The new search page is ready. It answers in less than half a second, and all of the tests are green."),
    Line("Designer", "That is good news. I have finished the drawings for the welcome screen.", 0.4),
    Line("Engineer", "Very nice.", 0.15),
    Line("Designer", "They are much simpler than before, and people liked them in our last test.", 0.2),
    Line("Chair", "When can we show both of them to our first customers?", 0.6),
    Line("Engineer", "I need two more days. The export of large files is slow, and I want to fix it before anybody sees it."),
    Line("Designer", "I can help you with the export tomorrow morning.", -0.5),
    Line("Engineer", "Thank you. That would save me a lot of time.", 0.4),
    Line("Chair", "One moment please. I will look at the calendar.", 0.6),
    Line("Chair", "Thursday is a holiday. How about Friday, right after lunch?", 4.0),
    Line("Designer", "Friday is perfect. I will bring coffee and cake for everyone.", 0.4),
    Line("Engineer", "Friday works for me too.", 0.3),
    Line("Chair", "Wonderful. Then it is decided. We show the search page and the welcome screen on Friday. Thank you all."),
)  # fmt: skip

HOW: Final = (
    "Synthesised with flite (voices: "
    + ", ".join(f"{speaker} {voice.flite}" for speaker, voice in VOICES.items())
    + "), each turn trimmed to its speech, set to its speaker's level and laid into room noise of "
    f"{ROOM_NOISE_DBFS:g} dBFS; start and end are where the trimmed speech was laid. "
    "Made by `python -m turnscribe.demo.make_conversation`."
)


def synthesise(line: Line, flite: str) -> Samples:
    """The line as its voice speaks it, from its first to its last sound, at its speaker's level."""
    voice = VOICES[line.speaker]
    command = [flite, "-voice", voice.flite, "-t", line.text, "-o", "/dev/stdout"]
    wav = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 -- the words are those above
    return at_level(trimmed(_decoded(wav)), voice.level_dbfs)


def _decoded(wav: bytes) -> Samples:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(io.BytesIO(wav), mode="r") as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def trimmed(speech: Samples, below_peak_db: float = 40.0) -> Samples:
    """`speech` without the synthesizer's silence before the first and after the last sound, on a 10-ms grid."""
    window = RATE_HZ // 100
    loudness = np.abs(speech[: len(speech) // window * window]).reshape(-1, window).max(axis=1)
    loud = np.flatnonzero(loudness > loudness.max() * 10 ** (-below_peak_db / 20))
    return speech[loud[0] * window : (loud[-1] + 1) * window]


def at_level(speech: Samples, level_dbfs: float) -> Samples:
    """`speech` at an RMS of `level_dbfs`, or as loud as its peak allows."""
    rms = float(np.sqrt(np.mean(speech**2)))
    gain = min(10 ** (level_dbfs / 20) / rms, MAX_SPEECH_PEAK / float(np.abs(speech).max()))
    return (speech * gain).astype(np.float32)


def mix(spoken: list[tuple[Line, Samples]]) -> tuple[Samples, list[Turn]]:
    """The conversation in its room, and where each turn stands in it."""
    starts: list[int] = []
    end = round(LEAD_S * RATE_HZ)
    for index, (line, speech) in enumerate(spoken):
        start = end + (round(line.after_s * RATE_HZ) if index else 0)
        starts.append(start)
        end = start + len(speech)
    packet = RATE_HZ * PACKET_MS // 1000
    length = -(-(end + round(LEAD_S * RATE_HZ)) // packet) * packet  # whole packets
    room = np.random.default_rng(seed=1).normal(0.0, 10 ** (ROOM_NOISE_DBFS / 20), length).astype(np.float32)
    turns = []
    for (line, speech), start in zip(spoken, starts, strict=True):
        room[start : start + len(speech)] += speech
        turns.append(Turn(line.speaker, start / RATE_HZ, (start + len(speech)) / RATE_HZ, line.text))
    return room, turns


def opus_packets(samples: Samples) -> tuple[bytes, list[bytes]]:
    """OpusHead and the packets of `samples` (mono, RATE_HZ)."""
    codec = av.CodecContext.create("libopus", "w")
    codec.format, codec.layout, codec.rate = av.AudioFormat("flt"), av.AudioLayout("mono"), OPUS_RATE_HZ
    codec.time_base = Fraction(1, OPUS_RATE_HZ)
    codec.bit_rate = BIT_RATE
    codec.options = {"frame_duration": str(PACKET_MS), "application": "audio"}
    codec.open()
    pcm = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
    pcm.sample_rate = RATE_HZ
    resampler = av.AudioResampler(format="flt", layout="mono", rate=OPUS_RATE_HZ, frame_size=codec.frame_size)
    packets = [
        bytes(packet)
        for frame in [*resampler.resample(pcm), *resampler.resample(None)]
        for packet in codec.encode(frame)
    ]
    packets += [bytes(packet) for packet in codec.encode(None)]
    spoken = len(samples) * 1000 // (RATE_HZ * PACKET_MS)  # the encoder's delay ends in one packet more, of padding
    return bytes(codec.extradata or b""), packets[:spoken]


def make(folder: Path, flite: str) -> list[Turn]:
    """Write both files into `folder`."""
    samples, turns = mix([(line, synthesise(line, flite)) for line in LINES])
    head, packets = opus_packets(samples)
    webm = live_webm(head, packets, packet_ms=PACKET_MS, cluster_ms=CLUSTER_MS, writer="turnscribe")
    truth = {
        "duration": len(samples) / RATE_HZ,
        "speakers": list(VOICES),
        "turns": [asdict(turn) for turn in turns],
        "how": HOW,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "conversation.webm").write_bytes(webm)
    (folder / "conversation.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return turns


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python -m turnscribe.demo.make_conversation", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write conversation.webm and conversation.json")
    folder: Path = parser.parse_args().folder
    flite = shutil.which("flite")
    if flite is None:
        print("The program flite is missing; on Debian and Ubuntu: apt-get install flite", file=sys.stderr)
        return 1
    turns = make(folder, flite)
    size_bytes = (folder / "conversation.webm").stat().st_size
    print(f"{folder}: {len(turns)} turns, last word at {turns[-1].end:.1f} s, {size_bytes:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
