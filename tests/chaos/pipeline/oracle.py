"""What must be so once a schedule is over: nothing accepted is missing, nothing is there twice, nothing is left over, and transcripts
are those of a run without faults. `judge` is pure; `differences` waits, looks and judges.

"Accepted audio = audio in segments + silence skipped + named gaps" is held to the millisecond, by the objects in the bucket and not by
the product's own sum.
"""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from segmenter_service.voice_activity import FRAME_MS
from tests.chaos.pipeline.accepted import Accepted, AcceptedStream
from tests.chaos.pipeline.evidence import Evidence, FinalSegment, StreamEvidence, is_settled, look
from tests.chaos.pipeline.installation import Installation
from turnscribe.errors import TurnscribeClientError

SETTLED_S: Final = 90.0
CODEC_DELAY_MS: Final = 60
"""How far decoders may differ on what comes before the first sample and after the last: at most one packet."""


@dataclass(frozen=True)
class Reference:
    """What a run without faults ended with, by name of stream, without what belongs to that run."""

    transcripts: Mapping[str, Any]
    finals: Mapping[str, tuple[FinalSegment, ...]]
    quarantine: Mapping[str, tuple[str, ...]]
    faults: Mapping[str, tuple[str, ...]]


def reference_of(accepted: Accepted, evidence: Evidence) -> Reference:
    """What others are compared with."""
    named = {stream.planned.name: stream for stream in accepted.streams}
    return Reference(
        {name: transcript_of(accepted, evidence, stream) for name, stream in named.items()},
        {name: tuple(found.finals) for name, found in evidence.streams.items()},
        {name: tuple(found.quarantine) for name, found in evidence.streams.items()},
        {name: tuple(found.faults) for name, found in evidence.streams.items()},
    )


def settled(installation: Installation, accepted: Accepted, within_s: float = SETTLED_S) -> bool:
    """Wait, sweeping, until nothing is left to be done. False when the time is up."""
    until_s = time.monotonic() + within_s
    while not is_settled(installation, accepted):
        if time.monotonic() >= until_s:
            return False
        installation.sweep()
        time.sleep(0.3)
    return True


def differences(
    installation: Installation, accepted: Accepted, reference: Reference | None, within_s: float = SETTLED_S
) -> list[str]:
    """What is not as it must be, in words; empty when all is well. Waits for that within a bound. Without a reference: all but it."""
    found = [] if settled(installation, accepted, within_s) else [f"not settled within {within_s:.0f} s"]
    try:
        evidence = look(installation, accepted)
    except TurnscribeClientError as error:
        return [*found, f"the api does not answer: {error}"]
    return found + judge(accepted, evidence, reference)


def judge(accepted: Accepted, evidence: Evidence, reference: Reference | None) -> list[str]:
    """Everything that is wrong with what was seen. Pure."""
    found: list[str] = []
    for stream in accepted.streams:
        name, seen = stream.planned.name, evidence.streams[stream.planned.name]
        found += [f"{name}: {what}" for what in _of_stream(stream, seen)]
        found += [f"{name}: {what}" for what in _of_transcript(evidence.transcripts.get(stream.meeting_id), seen)]
        if reference is not None:
            found += [f"{name}: {what}" for what in _against(reference, accepted, evidence, stream)]
    left = {
        "a dead letter": evidence.dead_letters,
        "unregistered": evidence.unregistered,
        "standing by": evidence.standing_by,
        "a push in quarantine": evidence.quarantined_pushes,
        "mail in": evidence.mail,
        "leased": evidence.leases,
        "not acknowledged": [f"{evidence.waiting} messages"] if evidence.waiting else [],
    }
    found += [f"answered 500 by {each}" for each in evidence.defects]
    return found + [f"left over, {what}: {each}" for what, items in left.items() for each in items]


def _of_stream(accepted: AcceptedStream, seen: StreamEvidence) -> Iterator[str]:
    if accepted.failure:
        yield f"its uploader gave up: {accepted.failure}"
    yield from _bytes(accepted, seen)
    if accepted.ended and not seen.has_end:
        yield "its end was accepted and is not in the bucket"
    if seen.observations < accepted.observations:
        yield f"{accepted.observations} observations were accepted, {seen.observations} are in the bucket"
    yield from _segments(seen.finals)
    if seen.account is None:
        yield "no transcript tells its account"
    elif seen.account["state"] != "closed":
        yield "it is not closed"
    elif not accepted.failure:
        yield from _sum(accepted, seen, seen.account)


def _bytes(accepted: AcceptedStream, seen: StreamEvidence) -> Iterator[str]:
    if accepted.whole is not None:
        if b"".join(seen.chunks[seq] for seq in sorted(seen.chunks)) != accepted.whole:
            yield f"other bytes in {len(seen.chunks)} chunks than the {len(accepted.whole)} that were accepted"
        return
    for seq, data in accepted.chunks.items():
        if seq not in seen.chunks:
            yield f"chunk {seq} was accepted and is not in the bucket"
        elif seen.chunks[seq] != data:
            yield f"chunk {seq} has other bytes than were accepted"
    if not accepted.failure:
        yield from (f"chunk {seq} was never sent" for seq in sorted(seen.chunks.keys() - accepted.chunks.keys()))


def _segments(finals: Iterable[FinalSegment]) -> Iterator[str]:
    """No two final segments of a channel share a millisecond."""
    for one, next_one in itertools.pairwise(sorted(finals)):
        if one.channel == next_one.channel and next_one.start_ms < one.end_ms:
            yield f"segments overlap: {_span(one)} and {_span(next_one)} of channel {one.channel}"


def _sum(accepted: AcceptedStream, seen: StreamEvidence, account: Mapping[str, Any]) -> Iterator[str]:
    recording = accepted.planned.recording
    if account["segments"] != len(seen.finals):
        yield f"its account names {account['segments']} segments, the bucket has {len(seen.finals)}"
    gaps = [(gap["from_seq"], gap["to_seq"]) for gap in account["gaps"] or ()]
    lost = sorted(recording.lost)
    if [seq for first, last in gaps for seq in range(first, last + 1)] != lost:
        yield f"gaps of chunks {gaps}, where {lost} never came"
    if recording.duration_ms is None:
        return
    lanes = recording.channels if accepted.planned.channels == "separate" else 1
    audio_ms = account["audio_ms"] // lanes
    if abs(audio_ms - recording.duration_ms) > CODEC_DELAY_MS or account["audio_ms"] % lanes:
        yield f"{account['audio_ms']} ms of audio in {lanes} lanes, {recording.duration_ms} ms were accepted"
    segment_ms = sum(min(each.end_ms, audio_ms) - each.start_ms for each in seen.finals)
    if segment_ms + account["silence_skipped_ms"] != account["audio_ms"]:
        yield (
            f"{segment_ms} ms in segments + {account['silence_skipped_ms']} ms of silence and gaps "
            f"≠ {account['audio_ms']} ms of audio"
        )
    for gap in account["gaps"] or ():
        first_ms, last_ms = gap["start_ms"] + FRAME_MS, gap["end_ms"] - FRAME_MS  # frames are whole
        inside = [each for each in seen.finals if each.start_ms < last_ms and each.end_ms > first_ms]
        if inside:
            yield f"the gap {gap['start_ms']}–{gap['end_ms']} ms has segments in it: {', '.join(map(_span, inside))}"
        if gap["end_ms"] <= gap["start_ms"]:
            yield "a gap without any time"


def _of_transcript(transcript: Mapping[str, Any] | None, seen: StreamEvidence) -> Iterator[str]:
    if transcript is None:
        yield "no transcript"
        return
    if not transcript["complete"]:
        yield "its transcript is not complete"
    own = [each for each in transcript["utterances"] if each["connection_id"] == seen.connection_id]
    if any(not each["final"] for each in own):
        yield "its transcript has provisional text"
    words = Counter(
        (each["segment_id"], word["start_ms"], word["end_ms"], word["text"]) for each in own for word in each["words"]
    )
    yield from (
        f"the word {word[3]} at {word[1]} ms stands there {count} times" for word, count in words.items() if count > 1
    )
    spans = Counter((each["segment_id"], each["start_ms"], each["text"]) for each in own)
    yield from (
        f"an utterance at {span[1]} ms stands there {count} times" for span, count in spans.items() if count > 1
    )
    known = {f"{seen.connection_id}:{each.channel}:{each.start_ms}" for each in seen.finals}
    yield from (f"words of {each} that has no audio" for each in sorted({each["segment_id"] for each in own} - known))


def _against(reference: Reference, accepted: Accepted, evidence: Evidence, stream: AcceptedStream) -> Iterator[str]:
    name = stream.planned.name
    seen = evidence.streams[name]
    expected, found = reference.finals[name], tuple(seen.finals)
    if _spans(found) != _spans(expected):
        yield f"segments {', '.join(map(_span, found))}; without faults {', '.join(map(_span, expected))}"
    if tuple(seen.quarantine) != reference.quarantine[name]:
        yield f"in quarantine {seen.quarantine}; without faults {list(reference.quarantine[name])}"
    if tuple(seen.faults) != reference.faults[name]:
        yield f"faults {seen.faults}; without faults {list(reference.faults[name])}"
    transcript = transcript_of(accepted, evidence, stream)
    yield from itertools.islice(_unlike("transcript", reference.transcripts[name], transcript), 5)


def transcript_of(accepted: Accepted, evidence: Evidence, stream: AcceptedStream) -> Any:
    """The transcript of a stream's meeting with names in place of ids. Wall-clock times stay where the uploader's clock decides them."""
    transcript = evidence.transcripts.get(stream.meeting_id)
    text = json.dumps(transcript)
    for each in accepted.streams:
        text = text.replace(each.connection_id, f"<{each.planned.name}>")
    for each in accepted.streams:
        text = text.replace(each.meeting_id, f"<meeting of {each.planned.with_name or each.planned.name}>")
    plain = json.loads(text)
    return plain if stream.planned.has_own_clock else _without_clock(plain)


def _without_clock(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_clock(member) for key, member in value.items() if key not in {"start_at", "end_at"}}
        case list():
            return [_without_clock(item) for item in value]
    return value


def _unlike(where: str, expected: Any, found: Any) -> Iterator[str]:
    """Where two documents differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() | found.keys():
            yield from _unlike(f"{where}.{key}", expected.get(key), found.get(key))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for at, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _unlike(f"{where}[{at}]", one, other)
    elif expected != found:
        yield f"{where} is {_short(found)}; without faults {_short(expected)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"


def _spans(finals: Iterable[FinalSegment]) -> list[tuple[int, int, int, int]]:
    return sorted((each.channel, each.start_ms, each.end_ms, each.size_bytes) for each in finals)


def _span(final: FinalSegment) -> str:
    return f"{final.channel}:{final.start_ms}–{final.end_ms} ms"
