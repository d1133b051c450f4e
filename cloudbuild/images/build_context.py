"""The build context: which files of the project Docker is given, by the rules of `.dockerignore`."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

IGNORE_FILE: Final = ".dockerignore"
_TOKEN: Final = re.compile(r"\*\*/?|\*|\?|\[[^\]]+\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of `.dockerignore`."""

    pattern: re.Pattern[str]
    keeps: bool
    """It began with `!`: what it matches is taken after all."""


def rules(text: str) -> list[Rule]:
    """The rules of a `.dockerignore`, in their order."""
    found = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            keeps = stripped.startswith("!")
            found.append(Rule(re.compile(_regex(stripped.removeprefix("!").strip("/"))), keeps))
    return found


def ignored(path: PurePosixPath, by: Iterable[Rule]) -> bool:
    """Whether Docker leaves a file out: the last rule that matches it, or a folder that it lies in, decides. Pure."""
    names = [str(path), *(str(parent) for parent in path.parents if parent.name)]
    out = False
    for rule in by:
        if any(rule.pattern.fullmatch(name) for name in names):
            out = not rule.keeps
    return out


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The project's folder as Docker sees it."""

    folder: Path
    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, folder: Path) -> "BuildContext":
        """With the rules that the folder itself holds."""
        return cls(folder, tuple(rules((folder / IGNORE_FILE).read_text())))

    def files(self, below: str) -> list[PurePosixPath]:
        """What is taken of a file or folder, as paths from the context's folder, sorted."""
        top = self.folder / below
        found = [top] if top.is_file() else (path for path in top.rglob("*") if path.is_file())
        paths = (PurePosixPath(path.relative_to(self.folder).as_posix()) for path in found)
        return sorted(path for path in paths if not ignored(path, self.rules))

    def copy(self, source: str, target: Path) -> None:
        """What COPY does with one file or folder of the context. Raises `FileNotFoundError` where nothing of it is taken."""
        files = self.files(source)
        if not files:
            raise FileNotFoundError(f"{source} is not in the build context")
        for path in files:
            inside = path.relative_to(source)
            to = target / inside if inside.parts else target
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.folder / path, to)


def _regex(pattern: str) -> str:
    """Go's `filepath.Match`, with `**` for any number of folders."""
    parts = []
    for token in _TOKEN.findall(pattern):
        match token:
            case "**/":
                parts.append("(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _ if len(token) > 1:
                parts.append(token)
            case _:
                parts.append(re.escape(token))
    return "".join(parts)
