"""How a meeting is shown while it is watched: as lines, or redrawn in a terminal. Nothing here asks the server."""

import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from turnscribe.demo.views import COLOURS
from turnscribe.live_events import LiveEvent, MeetingNow, MeetingReset, SegmentNow, SegmentRemoved
from turnscribe.schema import Utterance

if TYPE_CHECKING:
    from rich.text import Text

REDRAWS_PER_S: Final = 8


class Watched:
    """A meeting as its events tell it."""

    def __init__(self) -> None:
        self.meeting: MeetingNow | None = None
        self._segments: dict[str, SegmentNow] = {}

    def take(self, event: LiveEvent) -> None:
        """One more event."""
        match event:
            case MeetingNow():
                self.meeting = event
            case SegmentNow():
                self._segments[event.segment_id] = event
            case SegmentRemoved():
                self._segments.pop(event.segment_id, None)
            case MeetingReset():
                self._segments.clear()

    @property
    def utterances(self) -> list[Utterance]:
        """All that is shown, in order of time."""
        said = (each for segment in self._segments.values() for each in segment.utterances)
        return sorted(said, key=lambda each: (each.start_ms, each.connection_id, each.segment_id))

    @property
    def is_all_there(self) -> bool:
        """Whether the transcript is complete, and all of it has come: the meeting says so first, and then come its segments."""
        if self.meeting is None or not self.meeting.complete:
            return False
        finals = Counter(each.connection_id for each in self._segments.values() if each.final)
        return all(finals[stream.connection_id] >= (stream.segments or 0) for stream in self.meeting.streams)


class WatchView(Protocol):
    """Shows a meeting."""

    def take(self, event: LiveEvent) -> None:
        """One more event."""
        ...

    def close(self) -> None:
        """Nothing changes any more."""
        ...


class WatchLines:
    """Each utterance as a line, once, when it is final. For pipes, logs, and terminals without rich."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._printed: set[tuple[str, int]] = set()

    def take(self, event: LiveEvent) -> None:
        """Print what is final now."""
        if not isinstance(event, SegmentNow) or not event.final:
            return
        for said in event.utterances:
            key = (said.segment_id, said.start_ms)
            if key not in self._printed:
                self._printed.add(key)
                print(f"{clock_time(said.start_ms)} {said.speaker or '?'}: {said.text}", file=self._out, flush=True)

    def close(self) -> None:
        """Nothing to end."""


class WatchScreen:
    """A terminal: the latest utterances with coloured names, what may still change dim."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console()
        self._watched = Watched()
        self._colours: dict[str, str] = {}
        self._live = Live("", console=self._console, refresh_per_second=REDRAWS_PER_S, get_renderable=self._drawn)
        self._live.start()

    def take(self, event: LiveEvent) -> None:
        """It is drawn in a moment."""
        self._watched.take(event)

    def close(self) -> None:
        """Leave the whole transcript where the last lines were."""
        whole = self._lines(self._watched.utterances)
        self._live.stop()
        self._console.clear()
        for line in whole:
            self._console.print(line, soft_wrap=True)

    def _drawn(self) -> "Text":
        from rich.text import Text

        room = max(4, self._console.height - 2)
        return Text("\n").join(self._lines(self._watched.utterances[-room:]))

    def _lines(self, utterances: Iterable[Utterance]) -> "list[Text]":
        return [self._line(each) for each in utterances]

    def _line(self, said: Utterance) -> "Text":
        from rich.text import Text

        name = said.speaker or "?"
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)]) if said.speaker else ""
        line = Text(f"{clock_time(said.start_ms)} ", style="dim")
        line.append(f"{name}: ", style=f"bold {colour}".strip())
        line.append(said.text, style="" if said.final else "dim italic")
        return line


def clock_time(ms: int) -> str:
    """Such as 01:05, or 2:01:05 after an hour. Pure."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def choose_watch_view() -> WatchView:
    """Redrawn in a terminal that can; lines otherwise."""
    if sys.stdout.isatty():
        try:
            return WatchScreen()
        except ImportError:
            pass  # without rich, lines do
    return WatchLines(sys.stdout)
