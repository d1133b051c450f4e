"""OpenAI's `diarized_json`: who said what, times in seconds."""

import msgspec

from common.openai_transcripts import AudioUsage, DiarizedSegment, DiarizedTranscription
from transcribe_service.reading.captions.spoken_length import audio_s, seconds, whole_text
from transcribe_service.reading.transcript import Transcript


def diarized_json(transcript: Transcript) -> str:
    """The transcript in OpenAI's format with speakers."""
    length_s = audio_s(transcript)
    answer = DiarizedTranscription(
        duration=length_s,
        text=whole_text(transcript),
        segments=tuple(
            DiarizedSegment(
                id=f"seg_{number}",
                start=seconds(said.start_ms),
                end=seconds(said.end_ms),
                text=said.text,
                speaker=said.speaker or "",
            )
            for number, said in enumerate(transcript.utterances)
        ),
        usage=AudioUsage(seconds=length_s),
    )
    return msgspec.json.encode(answer).decode()
