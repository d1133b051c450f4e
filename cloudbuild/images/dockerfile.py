"""Dockerfiles, as far as ours use them: instructions, stages, build arguments. What we do not use is refused and never guessed at."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

FLAGS: Final[Mapping[str, frozenset[str]]] = {
    "ARG": frozenset(),
    "CMD": frozenset(),
    "COPY": frozenset({"from"}),
    "ENV": frozenset(),
    "EXPOSE": frozenset(),
    "FROM": frozenset(),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "retries"}),
    "LABEL": frozenset(),
    "RUN": frozenset({"mount"}),
    "STOPSIGNAL": frozenset(),
    "USER": frozenset(),
    "WORKDIR": frozenset(),
}
"""The instructions that are known, with the flags of each."""

_DIRECTIVE: Final = re.compile(r"#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
_FLAG: Final = re.compile(r"--([a-z-]+)=(\S+)\s*")
_FROM: Final = re.compile(r"(\S+)(?:\s+AS\s+([a-z][a-z0-9-]*))?", re.IGNORECASE)
_PAIR: Final = re.compile(r'([A-Za-z_][\w.-]*)=(?:"([^"\\]*)"|([^\s"\\]*))(?:\s+|$)')
_ARG: Final = re.compile(r'([A-Za-z_]\w*)(?:=(?:"([^"\\]*)"|([^\s"\\]*)))?')
_VARIABLE: Final = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z_]\w*))")


class DockerfileError(ValueError):
    """Something that is wrong, or that is not known here."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, continuation lines joined, variables not yet replaced."""

    line: int
    """Where it begins, from 1."""
    keyword: str
    value: str
    """All behind the flags."""
    flags: Mapping[str, str] = field(default_factory=dict)

    def refuse(self, why: str) -> DockerfileError:
        """The error that says where it is."""
        return DockerfileError(f"line {self.line}: {self.keyword}: {why}")

    def words(self, variables: Mapping[str, str]) -> list[str]:
        """The value as words. For COPY, WORKDIR, USER, EXPOSE."""
        return [expanded(word, variables, self) for word in self.value.split()]

    def pairs(self, variables: Mapping[str, str]) -> dict[str, str]:
        """`NAME=value …` of ENV and LABEL."""
        found: dict[str, str] = {}
        rest = self.value
        while rest:
            match = _PAIR.match(rest)
            if match is None:
                raise self.refuse(f"NAME=value is expected, not {rest!r}")
            name, quoted, bare = match.groups()
            found[name] = expanded(bare if quoted is None else quoted, variables, self)
            rest = rest[match.end() :]
        return found

    def argument(self) -> tuple[str, str | None]:
        """Name and default of ARG."""
        match = _ARG.fullmatch(self.value)
        if match is None:
            raise self.refuse(f"NAME or NAME=value is expected, not {self.value!r}")
        name, quoted, bare = match.groups()
        return name, bare if quoted is None else quoted

    def command(self) -> list[str]:
        """The command of CMD or HEALTHCHECK in exec form: a shell around it would get the signals that are for the server."""
        text = self.value
        if self.keyword == "HEALTHCHECK":
            if not text.startswith("CMD "):
                raise self.refuse("CMD is expected")
            text = text.removeprefix("CMD ").lstrip()
        try:
            words = json.loads(text)
        except json.JSONDecodeError:
            words = None
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            raise self.refuse("the exec form, a JSON list of words, is expected")
        return words


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands between one FROM and the next."""

    base: str
    """Image that it begins from, variables not yet replaced."""
    name: str
    """As COPY --from calls it; empty where it has none."""
    line: int
    instructions: tuple[Instruction, ...]

    def all(self, keyword: str) -> list[Instruction]:
        """Its instructions of one kind."""
        return [each for each in self.instructions if each.keyword == keyword]

    def last(self, keyword: str) -> Instruction:
        """The instruction of a kind that counts. Raises `DockerfileError` where there is none."""
        found = self.all(keyword)
        if not found:
            raise DockerfileError(f"the stage that begins in line {self.line} has no {keyword}")
        return found[-1]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole Dockerfile."""

    arguments: Mapping[str, str]
    """Build arguments with their defaults that stand above the first FROM."""
    stages: tuple[Stage, ...]

    @property
    def final(self) -> Stage:
        """The stage that becomes the image."""
        return self.stages[-1]


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile. Raises `DockerfileError` for whatever is not known here."""
    arguments: dict[str, str] = {}
    stages: list[tuple[str, str, int, list[Instruction]]] = []
    for each in _instructions(text):
        if each.keyword == "FROM":
            match = _FROM.fullmatch(each.value)
            if match is None:
                raise each.refuse(f"IMAGE or IMAGE AS NAME is expected, not {each.value!r}")
            stages.append((match[1], match[2] or "", each.line, []))
        elif stages:
            stages[-1][3].append(each)
        elif each.keyword == "ARG":
            name, default = each.argument()
            arguments[name] = default or ""
        else:
            raise each.refuse("stands above the first FROM")
    if not stages:
        raise DockerfileError("there is no FROM")
    return Dockerfile(arguments, tuple(Stage(base, name, line, tuple(found)) for base, name, line, found in stages))


def expanded(text: str, variables: Mapping[str, str], of: Instruction) -> str:
    """`text` with `$NAME` and `${NAME}` replaced. Raises `DockerfileError` for a name without a value, which Docker takes for empty."""

    def value(match: re.Match[str]) -> str:
        name = match[2] or match[1]
        if name not in variables:
            raise of.refuse(f"nothing is known of {match[0]}")
        return variables[name]

    return _VARIABLE.sub(value, text)


def _instructions(text: str) -> Iterator[Instruction]:
    for line, joined in _joined(text):
        keyword, _, rest = joined.partition(" ")
        keyword = keyword.upper()
        known = FLAGS.get(keyword)
        if known is None:
            raise DockerfileError(f"line {line}: {keyword} is not known here")
        rest = rest.strip()
        flags: dict[str, str] = {}
        while match := _FLAG.match(rest):
            if match[1] not in known or match[1] in flags:
                raise DockerfileError(f"line {line}: {keyword}: --{match[1]} is not known here, or stands twice")
            flags[match[1]] = match[2]
            rest = rest[match.end() :]
        if not rest or rest.startswith("--") or "<<" in rest:
            raise DockerfileError(f"line {line}: {keyword}: {rest!r} is not known here")
        yield Instruction(line, keyword, rest, flags)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Each instruction's first line number, and its lines as one. Comments are dropped, also between continued lines."""
    parts: list[str] = []
    began = 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            if _DIRECTIVE.match(stripped):
                raise DockerfileError(f"line {number}: parser directives are not known here")
            continue
        if not stripped:
            continue
        began = began if parts else number
        parts.append(stripped.removesuffix("\\").strip())
        if not stripped.endswith("\\"):
            yield began, " ".join(parts)
            parts = []
    if parts:
        raise DockerfileError(f"line {began}: ends in the middle")
