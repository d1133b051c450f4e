"""Whether an image has all that its code imports, found in the code: a start shows only what the start itself imports."""

import ast
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FIND: Final = """
import importlib.util, json, sys
def spec(name):
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
def found(name):
    if spec(name):
        return True
    package = spec(name.rpartition(".")[0]) if "." in name else None
    return package is not None and package.origin is not None  # a name in a module; a namespace has none but modules
print(json.dumps([name for name in json.load(sys.stdin) if not found(name)]))
"""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """One name that some module imports."""

    name: str
    by: str
    """The module."""
    always: bool
    """At the top of the module; else only when a function is called."""


def reached(code: Path, entries: Iterable[str]) -> list[Import]:
    """All that modules import which are reached from `entries`, where they are none of those below `code`. Reads, runs nothing."""
    waiting, seen, found = list(entries), set[str](), set[Import]()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        path = _file(code, module)
        if path is None:
            continue
        for name, always in _imported(ast.parse(path.read_text())):
            top = name.partition(".")[0]
            if (code / top).is_dir():
                waiting += _with_parents(name)
            else:
                found.add(Import(name, module, always))
    return sorted(found)


def missing(found: Iterable[Import], python: list[str], environ: Mapping[str, str]) -> list[Import]:
    """Those of `found` that the image's Python does not find."""
    all_of_them = list(found)
    names = sorted({each.name for each in all_of_them})
    told = subprocess.run(  # noqa: S603 -- the image's own Python
        [*python, "-c", _FIND], input=json.dumps(names), env=dict(environ), capture_output=True, text=True, check=True
    )
    absent = set(json.loads(told.stdout))
    return [each for each in all_of_them if each.name in absent]


def _file(code: Path, module: str) -> Path | None:
    base = code.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _imported(node: ast.AST, *, always: bool = True) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import():
                yield from ((alias.name, always) for alias in child.names)
            case ast.ImportFrom(module=str(module)):
                # What is imported from a package may be a module of it.
                yield from ((f"{module}.{alias.name}", always) for alias in child.names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from _imported(ast.Module(child.orelse, []), always=always)
            case _:
                yield from _imported(child, always=always and not isinstance(child, Function))
