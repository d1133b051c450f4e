"""A number of milliseconds as hours, minutes and seconds."""


def clock_time(ms: int, fraction: str) -> str:
    """`HH:MM:SS` + `fraction` (`,` in SRT, `.` in WebVTT) + milliseconds; hours take as many digits as they need."""
    seconds, milliseconds = divmod(ms, 1000)
    return f"{whole_seconds(seconds)}{fraction}{milliseconds:03d}"


def whole_seconds(seconds: int) -> str:
    """`HH:MM:SS`."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}"
