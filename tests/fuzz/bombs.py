"""Small files that claim to be hours, gigabytes or nonsense, made byte by byte: no encoder would write them. Pure."""

import struct
import zlib
from collections.abc import Sequence
from functools import reduce
from typing import Final

HOUR_MS: Final = 3_600_000
UNKNOWN: Final = b"\x01" + b"\xff" * 7
OPUS_HEAD: Final = b"OpusHead\1\1" + bytes(2) + (48_000).to_bytes(4, "little") + bytes(3)
OPUS_120_MS: Final = b"\x19"
"""An Opus packet of one byte: two frames of 60 ms, both empty."""


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    top, mask = 1 << bits - 1, (1 << bits) - 1

    def step(crc: int, byte: int) -> int:
        crc ^= byte << bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ polynomial if crc & top else crc << 1) & mask
        return crc

    return reduce(step, data, 0)


def flac_head(rate: int, block: int = 65_535, channels: int = 1) -> bytes:
    """Magic and STREAMINFO: 16 bits, blocks of one size."""
    packed = (rate << 44 | channels - 1 << 41 | 15 << 36).to_bytes(8, "big")
    return b"fLaC\x80\0\0\x22" + block.to_bytes(2, "big") * 2 + bytes(6) + packed + bytes(16)


def flac_frame(number: int, block: int = 65_535) -> bytes:
    """A frame of constant silence: 15 bytes, whatever it lasts."""
    if number < 0x80:
        coded = bytes([number])
    elif number < 0x800:
        coded = bytes([0xC0 | number >> 6, 0x80 | number & 63])
    else:
        coded = bytes([0xE0 | number >> 12, 0x80 | number >> 6 & 63, 0x80 | number & 63])
    head = b"\xff\xf8\x70\x00" + coded + (block - 1).to_bytes(2, "big")
    frame = head + bytes([_crc(head, 0x07, 8)]) + bytes(3)
    return frame + _crc(frame, 0x8005, 16).to_bytes(2, "big")


def flac(rate: int, frames: int) -> bytes:
    """Silence: `frames` times 65,535 samples."""
    return flac_head(rate) + b"".join(map(flac_frame, range(frames)))


def element(name: int, payload: bytes) -> bytes:
    """EBML."""
    size = len(payload)
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + (0x10000000 | size).to_bytes(4, "big") + payload


def webm_head(codec: bytes = b"A_OPUS", private: bytes = OPUS_HEAD, tick_ns: int = 1_000_000) -> bytes:
    """Everything before the first Cluster."""
    audio = element(0xE1, element(0xB5, struct.pack(">f", 8_000)) + element(0x9F, b"\1"))
    track = element(0xD7, b"\1") + element(0x83, b"\2") + element(0x86, codec) + element(0x63A2, private) + audio
    info = element(0x1549A966, element(0x2AD7B1, tick_ns.to_bytes(8, "big")))
    return (
        element(0x1A45DFA3, element(0x4282, b"webm"))
        + bytes.fromhex("18538067")
        + UNKNOWN
        + info
        + element(0x1654AE6B, element(0xAE, track))
    )


def cluster(ticks: int, *blocks: bytes) -> bytes:
    """A Cluster with blocks of the first track."""
    content = element(0xE7, ticks.to_bytes(8, "big")) + b"".join(element(0xA3, b"\x81\0\0" + block) for block in blocks)
    return bytes.fromhex("1f43b675") + UNKNOWN + content


def laced(frame: bytes) -> bytes:
    """A block of 256 frames of one size."""
    return b"\x84\xff" + frame * 256


def ogg_page(flags: int, granule: int, sequence: int, packets: Sequence[bytes]) -> bytes:
    """A page of packets below 255 bytes."""
    head = b"OggS\0" + bytes([flags]) + granule.to_bytes(8, "little") + struct.pack("<II", 7, sequence)
    rest = bytes([len(packets)]) + bytes(map(len, packets)) + b"".join(packets)
    return head + _crc(head + bytes(4) + rest, 0x04C11DB7, 32).to_bytes(4, "little") + rest


def box(name: bytes, payload: bytes) -> bytes:
    """MP4."""
    return (8 + len(payload)).to_bytes(4, "big") + name + payload


def u32(*numbers: int) -> bytes:
    """Big-endian."""
    return struct.pack(f">{len(numbers)}I", *numbers)


def mp4_head(extra: bytes = b"", *, stbl: bytes = b"") -> bytes:
    """`ftyp`, and a `moov` with one AAC track at 8 kHz; `extra` makes it a fragmented one."""
    esds = b"\x03\x19\0\1\0\x04\x11\x40" + bytes(12) + b"\x05\x02\x15\x88\x06\x01\x02"
    entry = bytes(6) + b"\0\1" + bytes(8) + b"\0\1\0\x10" + bytes(4) + u32(8_000 << 16) + box(b"esds", u32(0) + esds)
    table = box(b"stbl", box(b"stsd", u32(0, 1) + box(b"mp4a", entry)) + stbl)
    media = box(b"mdhd", bytes(12) + u32(8_000) + bytes(8)) + box(b"hdlr", bytes(8) + b"soun" + bytes(13))
    track = box(b"tkhd", bytes(12) + u32(1) + bytes(68)) + box(b"mdia", media + box(b"minf", table))
    return box(b"ftyp", b"iso5" + bytes(4)) + box(b"moov", box(b"mvhd", bytes(100)) + box(b"trak", track) + extra)


def mp4_fragmented() -> bytes:
    """The head of what a browser records."""
    return mp4_head(box(b"mvex", box(b"trex", bytes(4) + u32(1, 1, 0, 0, 0))))


def fragment(packet_bytes: int, *counts: int, data: bytes = b"") -> bytes:
    """A `moof` whose lists claim `counts` packets of one size each, and its `mdat`."""
    runs = b"".join(box(b"trun", u32(0, count)) for count in counts)
    track = box(b"traf", box(b"tfhd", u32(0x10, 1, packet_bytes)) + runs)
    return box(b"moof", box(b"mfhd", u32(0, 1)) + track) + box(b"mdat", data or b"\0")


def wav(channels: int, rate: int, data_bytes: int, data: bytes) -> bytes:
    """16 bits; the size is what it claims."""
    fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2 & 0xFFFFFFFF, channels * 2 or 2, 16)
    return (
        b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", data_bytes) + data
    )


def deflated_silence(size_bytes: int) -> bytes:
    """gzip."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size_bytes >> 20)) + packer.flush()
