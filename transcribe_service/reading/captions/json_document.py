"""The whole document: streams, utterances and words, as described in docs/http.md."""

import msgspec

from transcribe_service.reading.transcript import Transcript


def json_document(transcript: Transcript) -> str:
    """The transcript as one JSON object."""
    return msgspec.json.encode(transcript).decode()
