"""Look for secrets in files, and in whatever the history ever added: keys and tokens that have a form of their own.

    .venv/bin/python security/find_secrets.py [FILE …]      every tracked file where none is named
    .venv/bin/python security/find_secrets.py --history     every line that a commit added

The forms are detect-secrets' own, and some more that this project's users have. What is only long and random, or only called a
password, is not looked for: tests are full of it. What looks like a secret and is none stands in known.toml, by its hash, with the reason.
Prints where something is and never what. Exit status 1 where there is something.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

ROOT: Final = Path(__file__).parents[1]
NOT_LOOKED_FOR: Final = frozenset(
    {
        "Public IP (ipv4)",  # no secret
        # Services that nobody uses here; their forms take most of the time.
        *("Artifactory Credentials", "Cloudant Credentials", "IBM COS HMAC Credentials", "IBM Cloud IAM Key"),
        "SoftLayer Credentials",
    }
)


def _whole(prefix: str) -> str:
    """`\\b` and `prefix`, said so that a search can skip to the prefix instead of trying each word."""
    return rf"{prefix}(?<!\w{prefix})"


OWN: Final[Mapping[str, str]] = {
    "Anthropic key": r"sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,}",
    "Google API key": _whole("AIza") + r"[0-9A-Za-z_-]{35}\b",
    "Google OAuth client secret": _whole("GOCSPX-") + r"[0-9A-Za-z_-]{20,}",
    "Google access token": _whole(r"ya29\.") + r"[0-9A-Za-z_-]{20,}",
    "Google service account": r'"private_key_id"\s*:\s*"[0-9a-f]{40}"',
    "Hugging Face token": _whole("hf_") + r"[A-Za-z0-9]{30,}\b",
    "OpenAI project key": _whole("sk-") + r"(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}",
    "webhook secret": _whole("whsec_") + r"[A-Za-z0-9+/]{32,}",
}
FORBIDDEN_NAMES: Final = re.compile(
    r"(^|/)(\.env(\.(?!example$|.*\.example$).+)?|.*\.(pem|key|p12|pfx|jks|tfstate|tfplan|tfvars)|id_(rsa|ed25519)|application_default_credentials\.json|\.netrc|\.pypirc)$"
)
"""Files that hold secrets, whatever is in them now."""


@dataclass(frozen=True)
class Found:
    """Something that looks like a secret. The value is for hashing alone."""

    where: str
    kind: str
    value: str

    @property
    def sha256(self) -> str:
        """What known.toml names it by."""
        return hashlib.sha256(self.value.encode()).hexdigest()


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Every form that is looked for, with its name."""
    all_of_theirs: list[tuple[str, type[Any]]] = sorted(get_mapping_from_secret_type_to_class().items())
    theirs = [
        (kind, pattern)
        for kind, detector in all_of_theirs
        if issubclass(detector, RegexBasedDetector) and kind not in NOT_LOOKED_FOR
        for pattern in detector().denylist
    ]
    return (*theirs, *((kind, re.compile(form)) for kind, form in OWN.items()))


def find(text: str) -> Iterator[tuple[int, str, str]]:
    """Where in `text` (a character's index) something has one of the forms; which; and what."""
    for kind, pattern in patterns():
        for match in pattern.finditer(text):
            yield match.start(), kind, match.group(0)


def in_file(path: Path, name: str) -> Iterator[Found]:
    """What the file at `path`, called `name`, gives away."""
    if FORBIDDEN_NAMES.search(name):
        yield Found(name, "file that holds secrets", name)
    text = path.read_bytes().decode("utf-8", "replace")
    for at, kind, value in find(text):
        yield Found(f"{name}:{text.count(chr(10), 0, at) + 1}", kind, value)


def tracked(root: Path) -> list[str]:
    """Paths of the files that git knows and that are there."""
    listed = _git(root, "ls-files", "-z")
    return [name for name in listed.split("\0") if name and (root / name).is_file() and not (root / name).is_symlink()]


def in_history(root: Path) -> Iterator[Found]:
    """What any commit that can be reached added, whether it is still there or not."""
    shown = _git(
        root,
        "log",
        "--all",
        "--patch",
        "--unified=0",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--format=commit %H",
    )
    commit = path = ""
    added: list[str] = []
    begins: list[int] = []
    where: list[str] = []
    length = 0
    for line in shown.split("\n"):
        if line.startswith("commit "):
            commit = line[7:19]
        elif line.startswith("+++ "):
            path = line[6:]
            if FORBIDDEN_NAMES.search(path):
                yield Found(f"{commit} {path}", "file that holds secrets", path)
        elif line.startswith("+"):
            added.append(line[1:])
            begins.append(length)
            where.append(f"{commit} {path}")
            length += len(line)
    for at, kind, value in find("\n".join(added)):
        yield Found(where[bisect_right(begins, at) - 1], kind, value)


def known(text: str) -> frozenset[str]:
    """Hashes of what known.toml says is no secret. Raises `ValueError` where one has no reason."""
    entries = tomllib.loads(text).get("known", [])
    for entry in entries:
        if set(entry) != {"sha256", "reason"} or len(entry["sha256"]) != 64 or not entry["reason"]:
            raise ValueError(f"known.toml: wants sha256 and a reason: {entry}")
    return frozenset(entry["sha256"] for entry in entries)


def unexplained(found: Iterable[Found]) -> list[Found]:
    """What is left of `found` without what is known to be none."""
    none = known(Path(__file__).with_name("known.toml").read_text())
    return [each for each in found if each.sha256 not in none]


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True)  # noqa: S603, S607 -- our own arguments
    return done.stdout.decode("utf-8", "replace")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="security/find_secrets.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--history", action="store_true", help="every line that a commit added")
    chosen = parser.parse_args(arguments)
    if chosen.history:
        found = list(in_history(ROOT))
    else:
        files = {str(path): path for path in chosen.files} or {name: ROOT / name for name in tracked(ROOT)}
        found = [each for name, path in files.items() for each in in_file(path, name)]
    left = unexplained(found)
    for each in left:
        print(
            f"{each.where}: {each.kind}; if it is none, security/known.toml wants sha256 {each.sha256} and the reason",
            file=sys.stderr,
        )
    return bool(left)


if __name__ == "__main__":
    raise SystemExit(main())
