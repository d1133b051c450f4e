"""How the transcript is shown while it grows: live in a terminal, or as plain lines. Nothing here asks the server."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from turnscribe.schema import Transcript, Utterance

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "red")


@dataclass(frozen=True)
class Progress:
    """How far a run is, in milliseconds of audio; `total_ms` is None where the length is unknown."""

    sent_ms: int
    transcribed_ms: int
    total_ms: int | None


class View(Protocol):
    """Shows a run."""

    def say(self, text: str) -> None:
        """One line that stays."""
        ...

    def update(self, transcript: Transcript | None, progress: Progress) -> None:
        """What there is now; None before anything is transcribed."""
        ...

    def table(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Names and values, at the end."""
        ...

    def close(self) -> None:
        """Nothing changes any more."""
        ...


def _clock_time(ms: int) -> str:
    return f"{ms // 60_000:02d}:{ms // 1000 % 60:02d}"


class PlainView:
    """Lines: each utterance once, when it is final. For pipes, logs, and terminals without rich."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: set[tuple[str, int]] = set()

    def say(self, text: str) -> None:
        """One line."""
        print(text, file=self._out, flush=True)

    def update(self, transcript: Transcript | None, progress: Progress) -> None:  # noqa: ARG002 -- lines show no progress
        """Print what has become final."""
        for utterance in transcript.utterances if transcript else ():
            key = (utterance.segment_id, utterance.start_ms)
            if utterance.final and key not in self._shown:
                self._shown.add(key)
                self.say(f"{_clock_time(utterance.start_ms)} {utterance.speaker or '?'}: {utterance.text}")

    def table(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Aligned columns."""
        width = max(len(name) for name, _ in rows)
        self.say("\n".join(["", title, *(f"  {name:<{width}}  {value}" for name, value in rows)]))

    def close(self) -> None:
        """Nothing to end."""


class LiveView:
    """A terminal: the latest utterances with coloured names, provisional ones dim, above two progress bars."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        self._console = Console()
        self._bars = Bars(
            TextColumn("{task.description:<12}"), BarColumn(None), TextColumn("{task.fields[shown]}"), expand=True
        )
        self._sent = self._bars.add_task("sent", total=1, shown="")
        self._transcribed = self._bars.add_task("transcribed", total=1, shown="")
        self._colours: dict[str, str] = {}
        self._utterances: tuple[Utterance, ...] = ()
        self._live = Live(self._bars, console=self._console, refresh_per_second=4)
        self._live.start()

    def say(self, text: str) -> None:
        """One line above the live part."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def update(self, transcript: Transcript | None, progress: Progress) -> None:
        """Draw anew."""
        for task, at_ms in ((self._sent, progress.sent_ms), (self._transcribed, progress.transcribed_ms)):
            self._bars.update(task, total=progress.total_ms, completed=at_ms, shown=_clock_time(at_ms))
        self._utterances = transcript.utterances if transcript else ()
        room = max(4, self._console.height - 6)
        self._live.update(self._drawn(self._utterances[-room:]))

    def _drawn(self, utterances: tuple[Utterance, ...]) -> "RenderableType":
        from rich.console import Group

        return Group(*(self._line(utterance) for utterance in utterances), "", self._bars)

    def _line(self, utterance: Utterance) -> "Text":
        from rich.text import Text

        name = utterance.speaker or "?"
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)]) if utterance.speaker else ""
        line = Text(f"{_clock_time(utterance.start_ms)} ", style="dim")
        line.append(f"{name}: ", style=f"bold {colour}".strip())
        line.append(utterance.text, style="" if utterance.final else "dim italic")
        return line

    def table(self, title: str, rows: list[tuple[str, str]]) -> None:
        """A table below the transcript."""
        from rich.table import Table

        table = Table(title=title, show_header=False, title_justify="left")
        for name, value in rows:
            table.add_row(name, value)
        self._console.print(table)

    def close(self) -> None:
        """Leave the whole transcript where the last lines were."""
        self._live.update(self._drawn(self._utterances))
        self._live.stop()


def choose_view(*, json_wanted: bool) -> View:
    """Live in a terminal that can; plain lines otherwise, on standard error when standard output is for a script."""
    if json_wanted:
        return PlainView(sys.stderr)
    if sys.stdout.isatty():
        try:
            return LiveView()
        except ImportError:
            pass  # without rich, lines do
    return PlainView(sys.stdout)
