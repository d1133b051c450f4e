"""OpenAI's `verbose_json`: text, segments and words, times in seconds.

A segment is an utterance. Of Whisper's own numbers only the words' probabilities are stored: some are worked out again from what
there is, and some are not known. See `common.openai_transcripts`.
"""

import math
import zlib
from collections import Counter
from typing import Final

import msgspec

from common.openai_transcripts import AudioUsage, VerboseSegment, VerboseTranscription, VerboseWord
from transcribe_service.reading.captions.spoken_length import audio_s, seconds, whole_text
from transcribe_service.reading.transcript import Transcript
from transcribe_service.reading.utterances import Utterance

_LEAST_PROBABILITY: Final = 1e-9
"""The logarithm of 0 is no number that JSON has."""


def verbose_json(transcript: Transcript) -> str:
    """The transcript in OpenAI's verbose format."""
    length_s = audio_s(transcript)
    answer = VerboseTranscription(
        language=_language(transcript),
        duration=length_s,
        text=whole_text(transcript),
        segments=tuple(_segment(number, said) for number, said in enumerate(transcript.utterances)),
        words=tuple(
            VerboseWord(word.text, seconds(word.start_ms), seconds(word.end_ms))
            for utterance in transcript.utterances
            for word in utterance.words
        ),
        usage=AudioUsage(seconds=length_s),
    )
    return msgspec.json.encode(answer).decode()


def _language(transcript: Transcript) -> str:
    words = Counter[str]()
    for utterance in transcript.utterances:
        words[utterance.language] += len(utterance.words)
    return max(words, key=words.__getitem__, default="")


def _segment(number: int, said: Utterance) -> VerboseSegment:
    text = said.text.encode()
    logarithms = [math.log(min(max(word.probability, _LEAST_PROBABILITY), 1.0)) for word in said.words]
    return VerboseSegment(
        id=number,
        seek=said.start_ms // 10,
        start=seconds(said.start_ms),
        end=seconds(said.end_ms),
        text=said.text,
        avg_logprob=round(math.fsum(logarithms) / len(logarithms), 4),
        compression_ratio=round(len(text) / len(zlib.compress(text)), 4),
    )
