"""Words in spans that Whisper itself takes for no speech. Pure.

Its own rule is made for windows of half a minute. On a pause or on music it invents a word or three, and the numbers are milder.
Measured with tiny.en: of 40 invented spans (pauses after sentences, noise, hum, music) its rule finds none and the one for few
words all but loops, which are `repetition`'s. Of 81 segments of clear speech none has a no-speech probability above 0.26. In noise as
loud as the speech it rises to 0.5, so a span of many words is left to Whisper's own rule: the milder one would take whole sentences.
"""

from typing import Final

from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.whisper.client import WhisperSegment

NO_SPEECH_PROB: Final = 0.6
AVG_LOGPROB: Final = -1.0
"""Whisper's own."""
FEW_WORDS: Final = 6
NO_SPEECH_PROB_OF_FEW: Final = 0.4
AVG_LOGPROB_OF_FEW: Final = -0.6
"""Whisper is surer of what was said: -0.1 to -0.5 for speech that is heard well."""


def no_speech(heard: Heard) -> frozenset[int]:
    """Positions of the words in spans that Whisper holds for no speech, and is unsure of the words that it put there all the same.

    Empty where the server does not tell its numbers.
    """
    return heard.only_in(lambda span: _is_no_speech(heard, span))


def _is_no_speech(heard: Heard, span: WhisperSegment) -> bool:
    if span.no_speech_prob is None or span.avg_logprob is None:
        return False
    if span.no_speech_prob > NO_SPEECH_PROB and span.avg_logprob < AVG_LOGPROB:
        return True
    if span.no_speech_prob <= NO_SPEECH_PROB_OF_FEW or span.avg_logprob >= AVG_LOGPROB_OF_FEW:
        return False
    return len(heard.only_in(lambda each: each is span)) <= FEW_WORDS
