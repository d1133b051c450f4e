"""Words that Whisper puts where no audio is. Pure.

It hears half a minute at a time, and what it was not given is silence to it; on that it invents as on any other.
"""

from transcribe_service.recognition.disbelief.heard import Heard


def outside_audio(heard: Heard) -> frozenset[int]:
    """Positions of the words that lie wholly before or after the audio that was sent. The padding counts as audio."""
    return frozenset(
        position
        for position, word in enumerate(heard.words)
        if word.end_s < 0 or min(word.start_s, word.end_s) > heard.audio_s
    )
