"""Drains streams that are bombs with the real segmenter, in a process that may have little memory: `python -m tests.fuzz.bombs_child`.

Prints a JSON object: for each bomb what became of the stream, and the most memory that this process had until then.
"""

import json
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import fakeredis

from tests.fuzz import bombs
from tests.fuzz.child import quiet
from tests.segmenter_service.stage import Stage, talk, wav, webm

MEMORY_BYTES: Final = 2 << 30
"""Of address space, of which libraries take a third before anything is drained."""
CPU_S: Final = 300
"""For all bombs: what runs for ever ends here."""
GOOD: Final = "a good stream"
_MAX: Final = (1 << 64) - 1


def _webm(*clusters: bytes, codec: bytes = b"A_OPUS", private: bytes = bombs.OPUS_HEAD) -> bytes:
    return bombs.webm_head(codec, private) + b"".join(clusters)


def _speech() -> bytes:
    """The Clusters of a recording that goes on after something else."""
    recorded = webm(talk(3.0))
    return recorded[recorded.index(bytes.fromhex("1f43b675")) :]


def _opus(*packets: int) -> list[bytes]:
    return [b"\x80" + bombs.OPUS_120_MS for _ in packets]


def _jumps(step_ms: int, count: int) -> bytes:
    return _webm(*(bombs.cluster(step_ms * index, b"\x80" + bombs.OPUS_120_MS) for index in range(count)))


def _mp4_index(*tables: tuple[bytes, bytes]) -> bytes:
    stbl = b"".join(bombs.box(name, payload) for name, payload in tables)
    return bombs.mp4_head(stbl=stbl) + bombs.box(b"mdat", bytes(64))


def made() -> Mapping[str, Sequence[bytes]]:
    """Chunks by what they are."""
    claims = (b"stts", bombs.u32(0, 1, 0xFFFFFFFF, 1024)), (b"stsc", bombs.u32(0, 1, 1, 0xFFFFFFFF, 1))
    offsets = b"stco", bombs.u32(0, 1, 600)
    ogg = bombs.ogg_page(2, 0, 0, [bombs.OPUS_HEAD]) + bombs.ogg_page(0, 0, 1, [b"OpusTags" + bytes(8)])
    many = bytes([9]) + bytes(17) + b"\xff"
    return {
        "ten minutes of FLAC in a kilobyte": [bombs.flac(8_000, 74)],
        "weeks of FLAC in 60 KB": [bombs.flac(1_000, 4_000)],
        "five hours of one-byte Opus packets": [
            _webm(*(bombs.cluster(0, bombs.laced(bombs.OPUS_120_MS)) for _ in range(600)))
        ],
        "hours of one-byte AAC packets": [
            bombs.mp4_fragmented()
            + bombs.fragment(1, 99_999, data=bytes(99_999))
            + bombs.fragment(1, 40_000, data=bytes(40_000))
        ],
        "a fragment of packets without bytes": [bombs.mp4_fragmented() + bombs.fragment(0, 100_000) * 50],
        "a fragment of endless lists": [bombs.mp4_fragmented() + bombs.fragment(1, *[100_000] * 9_000)],
        "laces without bytes": [
            _webm(bombs.cluster(0, *[bombs.laced(b"")] * 5_000), codec=b"A_AAC", private=b"\x15\x88")
        ],
        "jumps of an hour, again and again": [_jumps(bombs.HOUR_MS - 1_000, 3_000)],
        "a pause of half an hour": [_webm(bombs.cluster(0, *_opus(1)), bombs.cluster(bombs.HOUR_MS // 2, *_opus(1)))],
        "a jump of 2 to the 63": [
            _webm(bombs.cluster(0, *_opus(1, 2)), bombs.cluster(1 << 63, *_opus(1)), bombs.cluster(_MAX, *_opus(1)))
        ],
        "granule positions of 2 to the 63": [
            ogg
            + b"".join(bombs.ogg_page(0, at, 2 + n, [b"\x19"]) for n, at in enumerate((1 << 63, _MAX, (1 << 63) - 1)))
        ],
        "an element of 2 to the 56": [
            _webm(bombs.cluster(0, *_opus(1))) + b"\xa3\x01" + b"\xff" * 6 + b"\xfe" + bytes(99)
        ],
        "a box of 2 to the 62": [
            bombs.mp4_fragmented() + bombs.u32(1) + b"moof" + (1 << 62).to_bytes(8, "big") + bytes(99)
        ],
        "a table of 2 to the 32 samples of one size": [
            _mp4_index(*claims, (b"stsz", bombs.u32(0, 1, 0xFFFFFFFF)), offsets)
        ],
        "a table of 2 to the 32 samples": [_mp4_index(*claims, (b"stsz", bombs.u32(0, 0, 0xFFFFFFFF, 1)), offsets)],
        "255 channels of Opus": [_webm(bombs.cluster(0), private=bombs.OPUS_HEAD[:9] + b"\xff" + bombs.OPUS_HEAD[10:])],
        "FLAC at one sample a second": [bombs.flac(1, 10)],
        "FLAC at a million samples a second": [bombs.flac(1_000_000, 10)],
        "WAV without channels": [bombs.wav(0, 16_000, 9, bytes(99))],
        "WAV without a rate": [bombs.wav(1, 0, 9, bytes(99))],
        "WAV of 4 GB": [bombs.wav(1, 16_000, 0xFFFFFFF0, bytes(64_000))],
        "WAV of too many samples a second": [bombs.wav(64, 768_000, 0xFFFFFFF0, bytes(64_000))],
        "a tag of 256 MB": [b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(9_000)],
        "a tag of 4 GB": [b"APETAGEX" + bytes(4) + b"\xff\xff\xff\xff" + bytes(9_000)],
        "a million tags": [b"ID3\4\0\0\0\0\0\0" * 100_000] * 10,
        "silence behind gzip": [bombs.deflated_silence(64 << 20)],
        "packets that warm nothing up": [_webm(*[bombs.cluster(0, b"\x80\x1b" + bytes(60_000))] * 30)] * 3,
        "one header in every six bytes": [bombs.flac_head(8_000) + many * 30_000],
        "a jump between good chunks": [webm(talk(3.0)), bombs.cluster(1 << 62, *_opus(1)), _speech()],
    }


def drained(chunks: Sequence[bytes], stage: Stage) -> dict[str, object]:
    """What became of one stream."""
    stage.deliver(stage.upload(chunks))
    stage.clock.advance(3_600)
    reasons = [
        blob.metadata["reason"]
        for name, blob in sorted(stage.blobs.objects.items())
        if name.startswith(stage.objects.quarantine_prefix)
    ]
    summary = stage.summary()
    return {
        "reasons": reasons,
        "audio_ms": summary.audio_ms,
        "segment_ms": summary.segment_ms,
        "silence_ms": summary.silence_skipped_ms,
        "gaps": len(summary.gaps),
        "uploaded_bytes": sum(map(len, chunks)),
        "state_bytes": stage.drainer.mailbox("default", "call-1").size_bytes(),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "cpu_s": round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1),
    }


def main() -> None:
    """See the module."""
    quiet()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    found = {}
    with fakeredis.FakeRedis() as client:
        for name, chunks in made().items():
            client.flushall()
            found[name] = drained(chunks, Stage(client))
            print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
        client.flushall()
        found[GOOD] = drained([wav(talk(4.0, 1.0, 4.0))], Stage(client))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
