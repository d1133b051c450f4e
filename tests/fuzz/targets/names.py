"""Ids, the names that are made of them, speakers' masks: nothing leaves its folder, and what is made can be read back."""

from contextlib import suppress
from typing import Final

from common.errors import Permanent
from common.ids import checked_id, segment_id, split_segment_id
from common.object_names import (
    ConnectionObjects,
    channel_and_start_of,
    checked_dead_letter_id,
    connection_of,
    relabelling_of,
    seq_of,
    standing_by_due_ms,
    unregistered_connection,
)
from common.speaker_masks import MAX_SPEAKERS, activities_of_masks
from tests.fuzz.target import Target

READERS: Final = (
    channel_and_start_of,
    checked_dead_letter_id,
    connection_of,
    relabelling_of,
    seq_of,
    standing_by_due_ms,
    unregistered_connection,
    split_segment_id,
)


def _id(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with suppress(Permanent):
        good = checked_id(text, "id")
        assert good == text
        assert good.isascii()
        assert not set(good) & set("/:\\ \n\0{}")
        assert good not in {".", ".."}
        assert split_segment_id(segment_id(good, 3, 77)) == (good, 3, 77)
        objects = ConnectionObjects("tenant", good)
        assert objects.chunk(5).split("/")[-3:-1] != ["..", "chunks"]
        assert seq_of(objects.chunk(5)) == 5
        assert channel_and_start_of(objects.final_segment(1, 64)) == (1, 64)
        assert connection_of(objects.stream) == ("tenant", good)
        assert unregistered_connection(objects.unregistered) == ("tenant", good)


def _names(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for read in READERS:
        with suppress(Permanent):
            read(text)


def _masks(data: bytes) -> None:
    """`ts bit` and then a name and a mask a line."""
    head, *lines = data.decode("utf-8", "replace").split("\n")
    ts, _, bit = head.partition(" ")
    numbers = [int(part) if part.isascii() and part.isdecimal() and len(part) < 40 else 100 for part in (ts, bit)]
    masks = [(name, mask) for name, _, mask in (line.partition("=") for line in lines)]
    with suppress(Permanent):
        from_ms, to_ms, activities = activities_of_masks(numbers[0], numbers[1], masks)
        assert 0 <= from_ms <= to_ms == numbers[0]
        assert len({each.speaker for each in activities}) <= MAX_SPEAKERS
        assert all(from_ms <= each.start_ms < each.end_ms <= to_ms for each in activities)
        spoken_ms = sum(mask.count("1") for _, mask in masks) * numbers[1]
        assert sum(each.end_ms - each.start_ms for each in activities) == spoken_ms


TARGETS: Final = (
    Target("ids", _id, lambda: [b"call-1", b"__x__", b"a" * 128, "é".encode()], max_bytes=300),
    Target(
        "object names",
        _names,
        lambda: [
            b"raw/default/call-1/chunks/00000001",
            b"segments/default/call-1/final/0/00000064.flac",
            b"relabelled/0/64/00001",
            b"unregistered/default/call-1",
            b"raw/default/call-1/stream.json",
            b"standing-by/00000000000001-" + b"a" * 32,
            b"call-1:0:64",
        ],
        max_bytes=300,
        tokens=("٣".encode(), "²".encode(), b"/", b":"),
    ),
    Target(
        "speaker masks",
        _masks,
        lambda: [b"1700000000000 100\nAda=0110001111\nBo=1", b"9 1\n=1", b"1700000000000 100" + b"\nx=1" * 101],
        tokens=(b"1" * 601, b"\n", "٣".encode()),
    ),
)
