"""Names that the deployment which users already have sets, and that no release may silently ignore."""

EARLIER_NAMES = [
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_PASSWORD",
    "API_HOST",
    "API_PORT",
    "API_TOKEN",
    "AUDIO_CHUNK_DURATION_SEC",
    "SEGMENT_SIZE_SEC",
    "PROCESSING_THREADS",
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC",
    "SPEAKER_DELAY_SEC",
    "WHISPER_SERVICE_URL",
    "WHISPER_API_TOKEN",
    "RAW_AUDIO_PATH",
    "SEGMENTS_PATH",
    "TRANSCRIBER_STEP_SEC",
    "MAX_AUDIO_LENGTH_SEC",
    "ENGINE_API_URL",
    "ENGINE_API_TOKEN",
    "GCS_BUCKET",
]
