"""How many words get the right speaker where the delay of speaker indications is not known but found?

    python -m bench.speaker_delay --corpus DIR [--json]

Feeds DIR/meeting (four voices, 5.5 minutes, true turns known) to the segmenter as it would come live, with who speaks shown 0.4, 1.0 and
1.7 s late: once as it was (`masks`), once as an indicator shows it that is polled four times a second, misses short bursts and hangs
over (`indicator`). SPEAKER_DELAY_SEC is the true delay, `auto`, and the fixed value that `auto` begins with. Words and their times come
from one pass of Whisper over the uncut recording, so that nothing but the speakers differs; each is given to a speaker as the transcribe
service does it, with the turns that its segment was announced with first (`at first`) and last. Takes about two minutes on two cores.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from bench.accuracy import BEAM_SIZE, Meeting, one_pass, read_meeting
from bench.local_pipeline import MODEL
from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.sqlite_meetings import SqliteMeetingStore
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.redis_server import RedisAddress, connect_redis
from common.clock import SystemClock
from common.events import (
    Activity,
    ChunkStored,
    Event,
    Message,
    SegmentReady,
    SegmentRelabelled,
    SpeakersObserved,
    StreamEnded,
    StreamOptions,
    Turn,
)
from common.logs import configure
from common.object_names import ConnectionObjects
from common.ports.publisher import Publisher
from common.ports.transcript_store import Word as StoredWord
from common.settings import load
from common.stored_chunks import StreamDescription, chunk_metadata, describe_stream, event_content
from segmenter_service.drain import Drainer
from segmenter_service.holding import Surroundings
from segmenter_service.settings import SegmenterSettings
from segmenter_service.speaker_delay import START_MS
from segmenter_service.voice_activity import VoiceActivity
from transcribe_service.recognition.attribution import assign_speakers
from turnscribe.schema import Word
from turnscribe.scoring import score
from whisper_service.engine import WhisperEngine
from whisper_service.model_location import locate

BEGAN_MS: Final = 1_700_000_000_000
CHUNK_MS: Final = 3_000
WINDOW_MS: Final = 1_000
DELAYS_MS: Final = (400, 1_000, 1_700)
WHOSE: Final = {"tenant": "default", "meeting_id": "m", "connection_id": "c"}

Shown = dict[str, list[tuple[int, int]]]
"""Speaker → when the platform shows that they speak, without a delay; milliseconds of the recording."""


class _Indicator(msgspec.Struct):
    t: float
    active: list[str]


class _Truth(msgspec.Struct):
    duration: float
    mask_frame_ms: int
    mask_truth: dict[str, str]
    ui_events: list[_Indicator]
    """A second late."""


@dataclass
class _Announced(Publisher):
    """Keeps what is published."""

    events: list[Event] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        self.events.append(event)

    def publish_message(self, topic: str, message: Message) -> None:
        raise NotImplementedError

    def check(self) -> None:
        return


def masks(truth: _Truth) -> Shown:
    """What was true, in steps of the mask."""
    shown: Shown = {}
    for speaker, mask in truth.mask_truth.items():
        edges = [at for at, (a, b) in enumerate(pairwise(f"0{mask}0")) if a != b]
        frame = truth.mask_frame_ms
        shown[speaker] = [(a * frame, b * frame) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return shown


def indicator(truth: _Truth) -> Shown:
    """What the indicator shows, moved to where it would be without its second of delay."""
    shown: Shown = {speaker: [] for speaker in truth.mask_truth}
    for now, then in pairwise([*truth.ui_events, _Indicator(truth.duration + 1, [])]):
        for speaker in now.active:
            shown[speaker].append((round(now.t * 1000) - 1_000, round(then.t * 1000) - 1_000))
    return shown


def announced(chunks: Sequence[bytes], shown: Shown, delay_ms: int, setting: str, root: Path) -> list[Event]:
    """What the segmenter says of the recording, with `shown` so late."""
    clock, data_dir, publisher = SystemClock(), DataDir(root), _Announced()
    blobs = FileBlobStore(data_dir.objects)
    settings = load(SegmenterSettings, {"PUSH_TOKEN": "bench", "DATA_DIR": str(root), "SPEAKER_DELAY_SEC": setting})
    streams, meetings = SqliteStreamRegistry(data_dir.streams), SqliteMeetingStore(data_dir.meetings)
    around = Surroundings(settings, blobs, publisher, streams, meetings, VoiceActivity(), clock)
    client = connect_redis(RedisAddress(""))
    client.flushall()  # it is the process's own, and had the run before
    drainer, objects = Drainer(around, client), ConnectionObjects("default", "c")
    options = StreamOptions(started_at_ms=BEGAN_MS)
    blobs.create(objects.stream, describe_stream(StreamDescription("m", options)))
    for seq, data in enumerate(chunks):
        chunk = ChunkStored(
            **WHOSE,
            seq=seq,
            object_name=objects.chunk(seq),
            size_bytes=len(data),
            captured_at_ms=BEGAN_MS + (seq + 1) * CHUNK_MS,
            options=options,
        )
        blobs.create(chunk.object_name, data, chunk_metadata(chunk))
        drainer.deliver(chunk)
        for observed in _observations(objects, shown, delay_ms, seq * CHUNK_MS, (seq + 1) * CHUNK_MS):
            blobs.create(observed.object_name, event_content(observed))
            drainer.deliver(observed)
    drainer.deliver(StreamEnded(**WHOSE, last_seq=len(chunks) - 1, object_name=objects.end))
    return publisher.events


def _observations(
    objects: ConnectionObjects, shown: Shown, delay_ms: int, from_ms: int, to_ms: int
) -> Iterator[SpeakersObserved]:
    shift = BEGAN_MS + delay_ms
    for at in range(from_ms, to_ms, WINDOW_MS):
        clipped = [
            (speaker, max(start, at), min(end, at + WINDOW_MS)) for speaker, own in shown.items() for start, end in own
        ]
        yield SpeakersObserved(
            **WHOSE,
            observation_id=f"at-{at}",
            object_name=objects.speakers(at + WINDOW_MS + shift, f"at-{at}"),
            clock="epoch",
            covered_from_ms=at + shift,
            covered_to_ms=at + WINDOW_MS + shift,
            activities=tuple(Activity(who, start + shift, end + shift) for who, start, end in clipped if start < end),
        )


def attributed(words: Sequence[Word], events: Sequence[Event], *, anew: bool) -> list[Word]:
    """`words` with the speakers of the segments in which their middles lie; `anew`: as those were announced last."""
    finals = {event.segment_id: event for event in events if isinstance(event, SegmentReady) and event.final}
    turns: dict[str, tuple[Turn, ...]] = {segment: event.turns for segment, event in finals.items()}
    if anew:
        turns |= {event.segment_id: event.turns for event in events if isinstance(event, SegmentRelabelled)}
    given: list[Word] = []
    for segment, event in sorted(finals.items(), key=lambda item: item[1].start_ms):
        own = [word for word in words if event.start_ms <= (word.start_ms + word.end_ms) / 2 < event.end_ms]
        stored = [StoredWord(word.text, word.start_ms, word.end_ms, word.probability) for word in own]
        given += [
            Word(word.text, word.start_ms, word.end_ms, word.probability, word.speaker)
            for word in assign_speakers(stored, turns[segment])
        ]
    return given


def rows(meeting: Meeting, truth: _Truth, words: Sequence[Word]) -> Iterator[dict[str, object]]:
    """One for each indicator, delay and setting."""
    data = meeting.recording.read_bytes()
    count = round(truth.duration * 1000 / CHUNK_MS)
    chunks = [data[a:b] for a, b in pairwise(len(data) * k // count for k in range(count + 1))]
    for name, shown in (("masks", masks(truth)), ("indicator", indicator(truth))):
        for delay_ms in DELAYS_MS:
            for setting in (f"{delay_ms / 1000:g}", "auto", f"{START_MS / 1000:g}"):
                with tempfile.TemporaryDirectory(prefix="turnscribe-bench-") as folder:
                    events = announced(chunks, shown, delay_ms, setting, Path(folder))
                first, last = (score(meeting.truth, attributed(words, events, anew=anew)) for anew in (False, True))
                yield {
                    "shown": name,
                    "delay_s": delay_ms / 1000,
                    "SPEAKER_DELAY_SEC": setting,
                    "speaker_accuracy_at_first": round(first.speaker_accuracy, 4),
                    "speaker_accuracy": round(last.speaker_accuracy, 4),
                    "without_speaker": last.no_speaker,
                    "segments": len({e.segment_id for e in events if isinstance(e, SegmentReady) and e.final}),
                    "relabelled": sum(isinstance(event, SegmentRelabelled) for event in events),
                }


def main() -> None:
    """Print a line for each row, or one JSON object each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder with meeting/meeting.webm and .json")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    arguments = parser.parse_args()
    configure("bench", "WARNING", sys.stderr)
    meeting = read_meeting(arguments.corpus / "meeting")
    truth = msgspec.json.decode((arguments.corpus / "meeting" / "meeting.json").read_bytes(), type=_Truth)
    engine = WhisperEngine(locate(MODEL), workers=1, beam_size=BEAM_SIZE, clock=SystemClock())
    engine.load()
    words = one_pass(meeting, engine)
    header = True
    for row in rows(meeting, truth, words):
        if arguments.json:
            print(json.dumps(row), flush=True)
            continue
        if header:
            print("  ".join(row))
        header = False
        print("  ".join(f"{value!s:>{len(name)}}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
