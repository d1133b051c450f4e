"""What decoding of JSON that came from outside can raise. Pure."""

from typing import Final

import msgspec

UNREADABLE_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Broken or wrongly typed; no UTF-8; nested without end. Catch all three wherever foreign bytes are decoded: one that
escapes turns bad input into a failure of ours, which Pub/Sub redelivers for ever."""
