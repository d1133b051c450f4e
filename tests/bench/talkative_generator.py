"""Uploaders that have sent nothing and tell more of it than a pipe holds: `python -m tests.bench.talkative_generator`."""

import sys

import msgspec

from bench.load_generator import Sent

if __name__ == "__main__":
    sys.stdin.buffer.read()
    sent = Sent(audio_ms={}, statuses={}, took_ms=(1.5,) * 100_000, late_ms=(), events=0, cpu_s=0.1)
    sys.stdout.buffer.write(msgspec.json.encode(sent))
