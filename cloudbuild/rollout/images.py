"""The record of a commit's images: what the build wrote, and a rollout deploys."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from cloudbuild.rollout.errors import RolloutError

_BY_DIGEST: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


def parse_images(text: str, wanted: Iterable[str]) -> Mapping[str, str]:
    """Image name → reference by digest. Raises `RolloutError` where one of `wanted` is missing, or can mean another image tomorrow."""
    try:
        said = json.loads(text)
    except ValueError as error:
        raise RolloutError(f"the record of images is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise RolloutError("the record of images is not an object of names and references")
    if missing := sorted(set(wanted) - said.keys()):
        raise RolloutError(f"the record of images lacks {', '.join(missing)}")
    for name, reference in said.items():
        if not isinstance(reference, str) or not _BY_DIGEST.fullmatch(reference):
            raise RolloutError(
                f"the record names {name} as {reference!r}; it must be a reference by digest (…@sha256:…)"
            )
    return said


def checked_commit(text: str) -> str:
    """The full hash of a commit. Raises `RolloutError` for anything shorter."""
    if not _COMMIT.fullmatch(text):
        raise RolloutError(f"the commit is {text!r}; it must be a full hash of 40 digits")
    return text
