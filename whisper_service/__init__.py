"""A local Whisper service: faster-whisper behind OpenAI's transcription route, for the demo, tests and small installations.

Any other server of that dialect can stand in its place (WHISPER_SERVICE_URL of the transcribe service).
"""
