"""The routes of the earlier system, for its clients as they are. They stop recording when they are refused: what can be kept is taken."""
