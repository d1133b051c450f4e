"""How a rollout fails."""


class RolloutError(Exception):
    """The rollout can't go on; its text is for whoever reads the build's log."""


class Stopped(RolloutError):
    """The process was asked to end."""
