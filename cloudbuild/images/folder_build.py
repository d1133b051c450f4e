"""Does what a Dockerfile says in a folder: each stage is a folder below it, and `/srv/turnscribe` lies in that."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from cloudbuild.images.base_python import BasePython
from cloudbuild.images.build_context import BuildContext
from cloudbuild.images.dockerfile import Dockerfile, DockerfileError, Instruction, Stage, expanded

ADDED: Final = "/srv/turnscribe"
"""All that our images add to their base lies below it, which lets a folder stand in for it."""
_CACHE_MOUNT: Final = "type=cache,"
_TAIL_BYTES: Final = 4_000


class BuildFailed(Exception):
    """An instruction did not work; the message has the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a build leaves: a folder, and how to run what is in it."""

    folder: Path
    """Stands in for `/srv/turnscribe`."""
    environ: Mapping[str, str]
    workdir: Path
    uid: int
    gid: int
    command: tuple[str, ...]
    health: tuple[str, ...]
    """Command that is to end with 0 once the service answers."""
    labels: Mapping[str, str]


@dataclass(slots=True)
class _State:
    """Of one stage, as its instructions change it."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    """Build arguments and ENV."""
    environ: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    labels: dict[str, str] = field(default_factory=dict)

    def here(self, path: str) -> Path:
        """Where a path of the image lies in the stage's folder."""
        whole = PurePosixPath(self.workdir, path)
        if not whole.is_relative_to(ADDED) or ".." in whole.parts:
            raise DockerfileError(f"{whole} lies outside {ADDED}, and cannot be done in a folder")
        return self.root / whole.relative_to("/")

    def moved(self, text: str) -> str:
        """A text in which paths of the image are those of the folder."""
        return text.replace(ADDED, str(self.root / ADDED.lstrip("/")))


def build(
    of: Dockerfile, context: BuildContext, base: BasePython, folder: Path, arguments: Mapping[str, str] | None = None
) -> Image:
    """Do all of it below `folder`. `arguments` are build arguments. Raises `DockerfileError` or `BuildFailed`."""
    building = _Building(of, context, base, arguments or {})
    state = _State(folder)
    for number, stage in enumerate(of.stages):
        state = _State(folder / (stage.name or f"stage-{number}"))
        for each in stage.instructions:
            building.do(each, state, final=stage is of.final)
        building.done[stage.name] = state
    return _image(of.final, state)


def _image(stage: Stage, state: _State) -> Image:
    uid, _, gid = state.user.partition(":")
    return Image(
        folder=state.here(ADDED),
        environ={name: state.moved(value) for name, value in state.environ.items()},
        workdir=state.here("."),
        uid=int(uid),
        gid=int(gid),
        command=tuple(map(state.moved, stage.last("CMD").command())),
        health=tuple(map(state.moved, stage.last("HEALTHCHECK").command())),
        labels=state.labels,
    )


@dataclass(slots=True)
class _Building:
    """One build: what instructions refer to besides their own stage."""

    of: Dockerfile
    context: BuildContext
    base: BasePython
    arguments: Mapping[str, str]
    done: dict[str, _State] = field(default_factory=dict)
    """The stages above, by name."""

    def do(self, each: Instruction, state: _State, *, final: bool) -> None:
        """One instruction."""
        match each.keyword:
            case "ARG":
                self._argument(each, state)
            case "ENV":
                pairs = each.pairs(state.variables)
                state.environ |= pairs
                state.variables |= pairs
            case "LABEL":
                state.labels |= each.pairs(state.variables)
            case "WORKDIR":
                (path,) = each.words(state.variables)
                state.here(path).mkdir(parents=True, exist_ok=True)
                state.workdir = str(PurePosixPath(state.workdir, path))
            case "USER":
                (state.user,) = each.words(state.variables)
            case "COPY":
                self._copy(each, state)
            case "RUN":
                if final:
                    raise each.refuse("changes the base image in the final stage, which cannot be done in a folder")
                self._run(each, state)
            case _:  # CMD, EXPOSE, HEALTHCHECK and STOPSIGNAL say how it is run
                pass

    def _argument(self, each: Instruction, state: _State) -> None:
        name, default = each.argument()
        value = self.arguments.get(name, self.of.arguments.get(name) if default is None else default)
        if value is not None:
            state.variables[name] = expanded(value, state.variables, each)

    def _copy(self, each: Instruction, state: _State) -> None:
        words = each.words(state.variables)
        if len(words) != 2 or any(char in words[0] for char in "*?["):
            raise each.refuse("one file or folder and one target are expected")
        source, target = words
        if "from" not in each.flags:
            self.context.copy(source, state.here(target))
            return
        other = self.done.get(each.flags["from"])
        if other is None:
            raise each.refuse(f"there is no stage {each.flags['from']!r} above")
        there, here = other.here(source), state.here(target)
        if there.is_dir():
            shutil.copytree(there, here, symlinks=True, dirs_exist_ok=True)
        else:
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(there, here)

    def _run(self, each: Instruction, state: _State) -> None:
        if not each.flags.get("mount", _CACHE_MOUNT).startswith(_CACHE_MOUNT):
            raise each.refuse("no mount but of a cache is known here")
        done = subprocess.run(  # noqa: S603 -- the project's own Dockerfile
            ["/bin/sh", "-c", state.moved(each.value)],
            cwd=state.here("."),
            env=self.base.build_environ(state.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise BuildFailed(f"line {each.line}: RUN ended with {done.returncode}:\n{done.stdout[-_TAIL_BYTES:]}")
