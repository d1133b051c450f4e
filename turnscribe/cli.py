"""The command `turnscribe`. Each of its commands is a module of `turnscribe.commands`."""

import argparse
import sys
from typing import Final

from turnscribe import __version__
from turnscribe.commands import (
    dead_letters,
    delete,
    demo,
    meetings,
    publish,
    replay,
    retranscribe,
    serve,
    stream,
    tokens,
    upload,
    watch,
    webhooks,
)
from turnscribe.commands.command import Run

COMMANDS: Final = (
    demo,
    serve,
    upload,
    stream,
    watch,
    meetings,
    retranscribe,
    replay,
    delete,
    publish,
    tokens,
    webhooks,
    dead_letters,
)
"""In the order of the help. Each has `add(commands)`, which adds a parser with the default `run`."""


def parser() -> argparse.ArgumentParser:
    """All options."""
    root = argparse.ArgumentParser(
        prog="turnscribe", description="Live or recorded speech in, speaker-attributed transcripts out."
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each in COMMANDS:
        each.add(commands)
    return root


def main(arguments: list[str] | None = None) -> None:
    """Entry point; exits with the subcommand's status."""
    chosen = parser().parse_args(arguments)
    run: Run = chosen.run
    sys.exit(run(chosen))
