"""Which bearer token a command uses. Pure but for reading the file that holds it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

TOKEN_VARIABLES: Final = ("TURNSCRIBE_TOKEN", "API_TOKEN")
DATA_DIR: Final = Path(".turnscribe")
"""Where `turnscribe serve` keeps everything, its token too."""


class NoToken(Exception):
    """There is no token where one was looked for. The message is for a person."""


def find_token(token_file: Path | None, data_dir: Path | None, environ: Mapping[str, str]) -> str:
    """From the file, or that of the server's folder, if one is named; else from the environment; else as `turnscribe serve` keeps it.

    Raises `NoToken`.
    """
    if token_file is None and data_dir is None:
        for name in TOKEN_VARIABLES:
            if environ.get(name):
                return environ[name]
    path = token_file or (data_dir or DATA_DIR) / "token"
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise NoToken(
            f"no token: {path}: {why}; name it with --token-file, --data-dir or {TOKEN_VARIABLES[0]}"
        ) from error
    if not token:
        raise NoToken(f"no token: {path} is empty")
    return token
