"""Speech recognition: the port that the worker speaks to, and the dialect of HTTP behind it."""
