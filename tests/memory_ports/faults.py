"""Told failures: each is raised once, at the next call."""


class Faults:
    """Errors to raise, one a call, before anything is done or after everything is."""

    def __init__(self) -> None:
        self.before: list[Exception] = []
        self.after: list[Exception] = []

    def strike_before(self) -> None:
        if self.before:
            raise self.before.pop(0)

    def strike_after(self) -> None:
        if self.after:
            raise self.after.pop(0)
