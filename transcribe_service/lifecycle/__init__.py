"""What becomes of meetings in the long run: deletion, retention, replays, other transcriptions."""
