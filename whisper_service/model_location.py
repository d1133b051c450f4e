"""Where a model lies that WHISPER_MODEL names. Loading it is the engine's business."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_PACKAGE: Final = "package:"
_FOLDER_IN_PACKAGE: Final = "model"
_DOWNLOADABLE: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
"""`small.en`, or `owner/name` on the hub."""


class ModelNotFound(ValueError):
    """Nothing that is a model is where the setting points."""


def locate(model: str) -> str:
    """The folder of the model as a path, or the name that faster-whisper downloads it by. Raises `ModelNotFound`."""
    if model.startswith(_PACKAGE):
        return _in_package(model.removeprefix(_PACKAGE))
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _checked(folder)
    if _DOWNLOADABLE.fullmatch(model):
        return model
    raise ModelNotFound(f"{model!r} is no folder, no `package:NAME` and no model's name")


def _in_package(name: str) -> str:
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFound(f"the package {name!r} is not installed")
    return _checked(Path(next(iter(spec.submodule_search_locations))) / _FOLDER_IN_PACKAGE)


def _checked(folder: Path) -> str:
    if not (folder / "model.bin").is_file():
        raise ModelNotFound(f"{folder} holds no model.bin")
    return str(folder)
