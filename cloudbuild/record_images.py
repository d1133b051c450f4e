"""Writes which images belong to a commit, by digest, from what buildx said of each: `record_images.py FOLDER REPOSITORY`.

FOLDER holds one `SERVICE.json` for each image. The record on standard output is what a rollout deploys and, as it is, an environment's
variable `images`. Standard library only, because it runs in the Cloud SDK's image.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

REQUIRED: Final = ("ingest", "segmenter", "transcribe")
OPTIONAL: Final = ("whisper",)


def recorded(folder: Path, repository: str) -> Mapping[str, str]:
    """Service → reference by digest. Raises `FileNotFoundError` for a required image that was not built, `ValueError` for no digest."""
    references = {}
    for service in (*REQUIRED, *OPTIONAL):
        said = folder / f"{service}.json"
        if service in OPTIONAL and not said.exists():
            continue
        digest = json.loads(said.read_text()).get("containerimage.digest", "")
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise ValueError(f"{said} has no digest")
        references[service] = f"{repository}/{service}@{digest}"
    return references


if __name__ == "__main__":
    print(json.dumps(recorded(Path(sys.argv[1]), sys.argv[2]), indent=2))
