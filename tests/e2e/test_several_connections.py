"""Several connections of one meeting, through all services: nothing lost, nothing doubled, nothing transcribed twice."""

import io
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.e2e.conftest import READY_S, START_MS, completed, demo_environment
from tests.e2e.knowing_whisper import RATE_HZ, KnowingWhisper, Pcm, conversation_pcm, said_words
from turnscribe.client import Client, Stream
from turnscribe.local_server import LocalServer, free_port
from turnscribe.upload_identity import UploadOptions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SETTINGS = {
    "SPEAKER_WAIT_SEC": "0.1",
    "TRANSCRIBER_STEP_SEC": "60",
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
    "TAKE_OVER_SEC": "2",
    "GAP_DEADLINE_SEC": "2",
    "IDLE_FLUSH_SEC": "4",
    "IDLE_CLOSE_SEC": "6",
}
CHUNK_S = 3
WORDS = said_words()


@dataclass
class Installation:
    client: Client
    whisper: KnowingWhisper


@pytest.fixture(scope="module")
def pcm() -> Pcm:
    return conversation_pcm()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with KnowingWhisper() as whisper:
        environ = demo_environment() | SETTINGS | {"WHISPER_SERVICE_URL": whisper.url}
        with LocalServer(tmp_path_factory.mktemp("several"), free_port(), environ) as server:
            server.wait_until_ready(READY_S)
            with Client(server.url, server.token) as client:
                yield Installation(client, whisper)


def wav(samples: Pcm) -> bytes:
    """`samples` (n,) or (n, channels)."""
    target = io.BytesIO()
    soundfile.write(target, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    return target.getvalue()


def chunks_of(samples: Pcm, from_s: int, to_s: int) -> dict[int, bytes]:
    """A recording of `[from_s, to_s)` of the conversation in chunks, by the second at which each ends."""
    data = wav(samples[from_s * RATE_HZ : to_s * RATE_HZ])
    header = len(data) - (len(data) - 44) // 2 * 2
    size = CHUNK_S * RATE_HZ * 2
    pieces = [data[start : start + size] for start in range(header, len(data), size)]
    pieces[0] = data[:header] + pieces[0]
    return {min(to_s, from_s + CHUNK_S * (seq + 1)): piece for seq, piece in enumerate(pieces)}


def play(streams: Sequence[tuple[Stream, dict[int, bytes]]]) -> None:
    """Send all chunks in the order of their ends."""
    sent = dict.fromkeys((stream.connection_id for stream, _ in streams), 0)
    for end_s in sorted({end_s for _, chunks in streams for end_s in chunks}):
        for stream, chunks in streams:
            if end_s in chunks:
                seq = sent[stream.connection_id]
                stream.put_chunk(seq, chunks[end_s], captured_at_ms=START_MS + end_s * 1000)
                sent[stream.connection_id] += 1


def length_of_union(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that any of the spans covers; they are in order."""
    length_s = at_s = 0.0
    for start_s, end_s in spans:
        length_s += max(0.0, end_s - max(start_s, at_s))
        at_s = max(at_s, end_s)
    return length_s


def words_of(transcript: dict[str, Any]) -> list[dict[str, Any]]:
    words = [word for utterance in transcript["utterances"] for word in utterance["words"]]
    return sorted(words, key=lambda word: (word["start_ms"], word["end_ms"]))


def texts(transcript: dict[str, Any]) -> list[str]:
    return [word["text"] for word in words_of(transcript)]


def test_where_the_first_is_cut_off_the_second_takes_over_word_for_word(running: Installation, pcm: Pcm) -> None:
    """The second begins at 12 s; the first stops at 33 s, in the middle of a word, and never says that it has ended."""
    meeting = f"shared-{secrets.token_hex(4)}"
    first, second = (running.client.stream(meeting, f"{meeting}-{n}", content_type="audio/wav") for n in (1, 2))
    length_s = len(pcm) // RATE_HZ
    asked = len(running.whisper.asked.spans)
    play([(first, chunks_of(pcm, 0, 33)), (second, chunks_of(pcm, 12, length_s))])
    second.end(-1 + len(chunks_of(pcm, 12, length_s)))
    transcript = completed(running.client, meeting)
    assert texts(transcript) == [word.text for word in WORDS]
    assert {each["connection_id"] for each in transcript["utterances"]} == {f"{meeting}-1", f"{meeting}-2"}
    spans = sorted(running.whisper.asked.spans[asked:])
    twice_s = sum(end_s - start_s for start_s, end_s in spans) - length_of_union(spans)
    print(json.dumps({"heard_by_both_s": 33 - 12, "sent_to_whisper_twice_s": round(twice_s, 1)}))
    assert twice_s < 33 - 12 - 8, "only what the second's segment of the take-over has of the time before it"


def test_participants_are_merged_by_wall_clock_and_named(running: Installation, pcm: Pcm) -> None:
    """The Chair's microphone and the others', as two recordings, of which one began 5 s later."""
    meeting = f"own-{secrets.token_hex(4)}"
    chair = np.zeros_like(pcm)
    for word in WORDS:
        if word.speaker == "Chair":
            within = slice(round(word.start_s * RATE_HZ), round(word.end_s * RATE_HZ))
            chair[within] = pcm[within]
    others = pcm - chair
    for name, samples, began_s in (("Chair", chair, 0), ("Others", others, 5)):
        options = UploadOptions(
            connections="per_participant", participant=name, started_at_ms=START_MS + 1000 * began_s
        )
        running.client.upload(io.BytesIO(wav(samples[began_s * RATE_HZ :])), meeting_id=meeting, options=options)
    transcript = completed(running.client, meeting)
    assert texts(transcript) == [word.text for word in WORDS]
    speakers = [word["speaker"] for word in words_of(transcript)]
    assert speakers == ["Chair" if word.speaker == "Chair" else "Others" for word in WORDS]
    present = {tuple(each["present"]) for each in transcript["utterances"] if each["start_ms"] > 6_000}
    assert present == {("Chair", "Others")}


def test_the_channels_of_a_call_are_its_speakers(running: Installation, pcm: Pcm) -> None:
    meeting = f"call-{secrets.token_hex(4)}"
    sides = np.zeros((len(pcm), 2), np.float32)
    for word in WORDS:
        within = slice(round(word.start_s * RATE_HZ), round(word.end_s * RATE_HZ))
        sides[within, 0 if word.speaker == "Chair" else 1] = pcm[within]
    options = UploadOptions(channels="separate", channel_speakers=("Chair", "Customer"), started_at_ms=START_MS)
    running.client.upload(io.BytesIO(wav(sides)), meeting_id=meeting, options=options)
    transcript = completed(running.client, meeting)
    speakers = {word["text"]: word["speaker"] for word in words_of(transcript)}
    assert set(speakers.values()) == {"Chair", "Customer"}
    assert [(each["channels"], each["gaps"]) for each in transcript["streams"]] == [("separate", [])]
    assert texts(transcript) == [word.text for word in WORDS]
    sides_of = ["Chair" if word.speaker == "Chair" else "Customer" for word in WORDS]
    assert [word["speaker"] for word in words_of(transcript)] == sides_of
