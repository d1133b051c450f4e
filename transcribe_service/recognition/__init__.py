"""From a segment that is ready to its stored, attributed transcript."""
