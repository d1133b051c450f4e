"""The transcribe service: segments to words by way of Whisper, words to speakers, and the transcript that people read."""
