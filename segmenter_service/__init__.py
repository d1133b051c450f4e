"""Turns the chunks of a connection into speaker-aligned segments. Triggered by push; keeps hot state in Redis only."""
