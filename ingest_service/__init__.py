"""The ingest service: bytes, speaker activity and ends of streams in; durable objects and their events out."""
