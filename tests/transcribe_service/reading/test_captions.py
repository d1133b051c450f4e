import html
import io
import re
from collections.abc import Callable
from itertools import pairwise

import av
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ports.transcript_store import SegmentTranscript
from tests.transcribe_service.spoken import NASTY, meetings, segment, stream
from transcribe_service.reading.captions.clock_time import clock_time
from transcribe_service.reading.captions.cues import LINE_CHARS, MAX_CUE_MS, MAX_LINES, Cue, clean, cues
from transcribe_service.reading.captions.formats import FORMATS
from transcribe_service.reading.captions.json_document import json_document
from transcribe_service.reading.captions.plain_text import plain_text
from transcribe_service.reading.captions.srt import srt
from transcribe_service.reading.captions.vtt import vtt
from transcribe_service.reading.transcript import Transcript, transcript
from transcribe_service.reading.utterances import Utterance, word_joint

transcripts = st.builds(lambda segments: transcript("m1", [stream()], segments, provisional=True), meetings)


def of(*segments: SegmentTranscript) -> Transcript:
    return transcript("m1", [stream()], segments, provisional=True)


def visible(utterance: Utterance) -> str:
    """All that an utterance's cues must show, without the spaces that line breaks replace."""
    return "".join(clean(word.text) for word in utterance.words).replace(" ", "")


def parse_ms(clock: str) -> int:
    hours, minutes, seconds, ms = re.fullmatch(r"(\d{2,}):(\d\d):(\d\d)[.,](\d{3})", clock).groups()  # type: ignore[union-attr]  # a mismatch fails the test
    assert int(minutes) < 60
    assert int(seconds) < 60
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(ms)


def parse_blocks(blocks: list[list[str]], mark: str) -> list[tuple[int, int, list[str]]]:
    parsed = []
    for times, *lines in blocks:
        start, end = times.split(" --> ")
        assert mark in start
        assert mark in end
        assert not any("-->" in line for line in lines)
        parsed.append((parse_ms(start), parse_ms(end), lines))
    return parsed


def parse_srt(text: str) -> list[tuple[int, int, list[str]]]:
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    assert [block[0] for block in blocks] == [str(number + 1) for number in range(len(blocks))]
    return parse_blocks([block[1:] for block in blocks], ",")


def parse_vtt(text: str) -> list[tuple[int, int, str | None, list[str]]]:
    header, *blocks = [block.split("\n") for block in text.split("\n\n") if block]
    assert header == ["WEBVTT"]
    parsed = []
    for start_ms, end_ms, lines in parse_blocks(blocks, "."):
        payload = "\n".join(lines)
        voice = re.fullmatch(r"<v ([^<>\n]+)>([^<>]*)</v>", payload)
        if voice is None:
            assert "<" not in payload
            assert ">" not in payload
        assert not re.search(r"&(?!amp;|lt;|gt;)", payload)
        name, said = (html.unescape(voice.group(1)), voice.group(2)) if voice else (None, payload)
        parsed.append((start_ms, end_ms, name, html.unescape(said).split("\n")))
    return parsed


@given(transcripts)
def test_cues_are_readable_and_in_order(document: Transcript) -> None:
    found = cues(document.utterances)
    assert [cue.start_ms for cue in found] == sorted(cue.start_ms for cue in found)
    for cue in found:
        assert 0 <= cue.start_ms < cue.end_ms <= cue.start_ms + MAX_CUE_MS
        assert 1 <= len(cue.lines) <= MAX_LINES
        assert all(0 < len(line) <= LINE_CHARS for line in cue.lines)


@given(transcripts)
def test_the_cues_of_an_utterance_say_all_of_it_once(document: Transcript) -> None:
    for utterance in document.utterances:
        said = "".join(line for cue in cues([utterance]) for line in cue.lines)
        assert said.replace(" ", "") == visible(utterance)


@given(transcripts)
def test_the_cues_of_an_utterance_follow_each_other(document: Transcript) -> None:
    for utterance in document.utterances:
        found = cues([utterance])
        for one, following in pairwise(found):
            assert one.end_ms <= following.start_ms or one.end_ms == one.start_ms + 1


def expected_vtt(cue: Cue) -> tuple[int, int, str | None, list[str]]:
    return cue.start_ms, cue.end_ms, clean(cue.speaker or "") or None, list(cue.lines)


@given(transcripts)
def test_webvtt_says_what_the_cues_say(document: Transcript) -> None:
    assert parse_vtt(vtt(document)) == [expected_vtt(cue) for cue in cues(document.utterances)]


@given(transcripts)
def test_subrip_says_what_the_cues_say(document: Transcript) -> None:
    expected = []
    for cue in cues(document.utterances):
        speaker = clean(cue.speaker or "")
        text = (f"{speaker}: " if speaker else "") + "\n".join(cue.lines)
        expected.append((cue.start_ms, cue.end_ms, text.replace("-->", "→").split("\n")))
    assert parse_srt(srt(document)) == expected


@given(transcripts)
def test_text_has_a_line_for_each_utterance(document: Transcript) -> None:
    lines = plain_text(document).split("\n")
    assert len(lines) == len(document.utterances) + 1
    assert lines[-1] == ""
    assert all(re.match(r"\[\d{2,}:[0-5]\d:[0-5]\d\] ", line) for line in lines[:-1])


@given(transcripts)
def test_json_reads_back(document: Transcript) -> None:
    assert msgspec.json.decode(json_document(document), type=Transcript) == document


def test_a_meeting_without_words_is_written_in_every_format() -> None:
    written = {each.name: each.render(of(segment())) for each in FORMATS}
    assert (written["text"], written["srt"], written["vtt"]) == ("", "", "WEBVTT\n\n")
    assert msgspec.json.decode(written["json"])["utterances"] == []


EXAMPLE = of(
    segment(
        ("Is", 0, 200, "Ada <L>"), ("a<b", 200, 700, "Ada <L>"), ("&", 700, 800, "Ada <L>"), ("-->", 800, 900, None)
    )
)


def test_webvtt_by_example() -> None:
    assert vtt(EXAMPLE) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:00.800\n<v Ada &lt;L&gt;>Is a&lt;b &amp;</v>\n\n"
        "00:00:00.800 --> 00:00:01.300\n--&gt;\n\n"
    )


def test_subrip_by_example() -> None:
    assert srt(EXAMPLE) == (
        "1\n00:00:00,000 --> 00:00:00,800\nAda <L>: Is a<b &\n\n2\n00:00:00,800 --> 00:00:01,300\n→\n\n"
    )


def test_text_by_example() -> None:
    assert plain_text(EXAMPLE) == "[00:00:00] Ada <L>: Is a<b &\n[00:00:00] -->\n"


@pytest.mark.parametrize(("name", "render"), [("srt", srt), ("webvtt", vtt)])
def test_players_find_the_same_cues(name: str, render: Callable[[Transcript], str]) -> None:
    words = (
        (NASTY[n % len(NASTY)], n * 400, n * 400 + 350, ("Ada", "a > b & <c>", None)[n // 7 % 3]) for n in range(100)
    )
    document = of(segment(*words))
    with av.open(io.BytesIO(render(document).encode()), "r", format=name) as file:
        found = [(packet.pts, packet.duration) for packet in file.demux() if packet.size]
    assert found == [(cue.start_ms, cue.end_ms - cue.start_ms) for cue in cues(document.utterances)]


def test_a_long_utterance_is_cut_between_words() -> None:
    words = tuple((f"word{n:02d}", n * 400, n * 400 + 300, "Ada") for n in range(40))
    found = cues(of(segment(*words)).utterances)
    assert found[0].lines == ("word00 word01 word02 word03 word04 word05", "word06 word07 word08 word09 word10 word11")
    assert (found[0].start_ms, found[0].end_ms, found[1].start_ms) == (0, 4700, 4800)
    assert {cue.speaker for cue in found} == {"Ada"}


def test_a_word_longer_than_a_line_is_broken() -> None:
    (found,) = cues(of(segment(("x" * 50, 0, 500, None))).utterances)
    assert found.lines == ("x" * 42, "x" * 8)


def test_hours_take_the_digits_that_they_need() -> None:
    assert clock_time(0, ".") == "00:00:00.000"
    assert clock_time(3_599_999, ",") == "00:59:59,999"
    assert clock_time(360_000_000 + 61_001, ".") == "100:01:01.001"


def test_marks_that_join_letters_are_kept_and_control_characters_are_not() -> None:
    assert clean("\u0645\u06cc\u200c\u0631\u0648\u0645 a\x07b\u2028c") == "\u0645\u06cc\u200c\u0631\u0648\u0645 ab c"


def test_the_joint_of_a_language_is_kept_inside_a_line() -> None:
    assert word_joint("ja") == ""
    (found,) = cues(of(segment(("今日", 0, 200, None), ("は", 200, 300, None), language="ja")).utterances)
    assert found.lines == ("今日は",)
