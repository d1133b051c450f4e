"""The variables of a Terraform folder, and the attributes of those that are objects, as pages name them: `whisper.url`."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COMPOSITION: Final = ROOT / "terraform" / "modules" / "turnscribe"
_BLOCK: Final = re.compile(r'^variable "([a-z_0-9]+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_OUTPUT: Final = re.compile(r'^output "([a-z_0-9]+)"', re.MULTILINE)


def variables(folder: Path) -> dict[str, str]:
    """Name → text of each variable of `folder`."""
    blocks: dict[str, str] = {}
    for path in sorted(folder.glob("variables*.tf")):
        blocks |= dict(_BLOCK.findall(path.read_text(encoding="utf-8")))
    return blocks


def outputs(folder: Path) -> set[str]:
    """Names of all outputs of `folder`."""
    return {name for path in folder.glob("*.tf") for name in _OUTPUT.findall(path.read_text(encoding="utf-8"))}


def is_variable(folder: Path, dotted: str) -> bool:
    """Whether `folder` has a variable of that name, with all attributes behind its dots."""
    name, *attributes = dotted.split(".")
    text = variables(folder).get(name, "")
    return bool(text) and all(re.search(rf"\b{attribute}\b\s*=", text) for attribute in attributes)
