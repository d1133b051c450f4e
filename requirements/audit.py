"""Ask whether anything that the lock files of this folder pin has a known vulnerability: `make audit`.

Each version of each package that any lock file names is asked about once, whatever its markers say, so what is installed on other systems
is looked at too. pip-audit asks, from an environment of its own, and installs, resolves and builds nothing. By itself it passes where it
was told nothing: a package that the service does not know counts as one without vulnerabilities. Here it counts as not audited.

Exit status: 0 nothing known but what accepted.toml accepts; 1 there is more; 75 the service could not be asked about everything, with
--if-reachable 0 and a line that says so; 78 accepted.toml is wrong.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
ENVIRONMENT: Final = FOLDER.parent / ".venv" / "audit"
PROGRAM: Final = ENVIRONMENT / "bin" / "python"
TIMEOUT_S: Final = 900
LONGEST: Final = timedelta(days=184)
"""What is accepted is looked at again after so long."""
VULNERABLE, EX_TEMPFAIL, EX_CONFIG = 1, 75, 78
_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)

Pins = Mapping[tuple[str, str], Sequence[str]]
"""By name and version of a package: the lock files that name it."""


class WrongAcceptance(Exception):
    """accepted.toml does not say what it has to."""


class NotAudited(Exception):
    """The service was not asked, or did not answer."""


@dataclass(frozen=True)
class Accepted:
    """A vulnerability that is lived with until a day."""

    id: str
    package: str
    reason: str
    until: date


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a package that is locked."""

    package: str
    version: str
    ids: tuple[str, ...]
    """Its own first, then its aliases."""
    fixed_in: tuple[str, ...]


def pins_of(folder: Path) -> Pins:
    """Everything that the lock files in `folder` pin."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*.txt")):
        for name, version in dict.fromkeys(_PIN.findall(path.read_text())):
            found[name, version].append(path.stem)
    return found


def rounds_of(pins: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """Lists of requirements that name no package twice, which pip-audit would not take."""
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(pins):
        versions[name].append(version)
    for turn in range(max(map(len, versions.values()), default=0)):
        yield [f"{name}=={each[turn]}" for name, each in versions.items() if turn < len(each)]


def read_accepted(text: str, today: date) -> list[Accepted]:
    """What accepted.toml says. Raises `WrongAcceptance`."""
    try:
        document = tomllib.loads(text)
        entries = [Accepted(**entry) for entry in document.pop("accepted", [])]
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise WrongAcceptance(str(error)) from error
    if document:
        raise WrongAcceptance(f"unknown: {', '.join(document)}")
    for each in entries:
        if type(each.until) is not date or not all((each.id, each.package, each.reason)):
            raise WrongAcceptance(f"{each.id}: wants id, package, reason, and a day (until = 2026-12-31)")
        if each.until > today + LONGEST:
            raise WrongAcceptance(f"{each.id}: accepted for more than {LONGEST.days} days")
    return entries


def findings_of(report: Mapping[str, Any]) -> tuple[list[Finding], list[str]]:
    """What pip-audit's JSON report says is vulnerable, and the packages that it was told nothing about."""
    findings, unknown = [], []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            unknown.append(package["name"])
        for told in package.get("vulns", ()):
            ids = (told["id"], *told["aliases"])
            findings.append(Finding(package["name"], package["version"], ids, tuple(told["fix_versions"])))
    return findings, unknown


def accepts(accepted: Iterable[Accepted], finding: Finding, today: date) -> Accepted | None:
    """The entry that lets `finding` pass today."""
    fitting = (each for each in accepted if each.id in finding.ids and each.package == finding.package)
    return next((each for each in fitting if today <= each.until), None)


def ask(requirements: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """pip-audit's report on `requirements`. Raises `NotAudited`."""
    command = [str(PROGRAM), "-m", "pip_audit", "--no-deps", "--disable-pip"]
    with tempfile.TemporaryDirectory(prefix="turnscribe-audit-") as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(requirements) + "\n")
        how = ["--requirement", str(listed), "--format", "json", "--progress-spinner", "off", *options]
        try:
            done = subprocess.run(  # noqa: S603 -- the locked program, on names and versions of the lock files
                [*command, *how], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            raise NotAudited(f"no answer within {TIMEOUT_S} s") from None
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        said = done.stderr.strip().splitlines()
        raise NotAudited(said[-1] if said else f"pip-audit ended with {done.returncode}") from None
    return report


def install() -> None:
    """pip-audit, as audit.txt locks it, in an environment of its own; nothing is done while that is up to date."""
    locked, installed = FOLDER / "audit.txt", ENVIRONMENT / ".installed"
    if installed.exists() and installed.stat().st_mtime > locked.stat().st_mtime:
        return
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(ENVIRONMENT)],
        [*uv, "--python", str(PROGRAM), "--requirement", str(locked)],
    ):
        subprocess.run(command, check=True)  # noqa: S603 -- our own interpreter and modules
    installed.touch()


def audit(folder: Path, options: Sequence[str], today: date) -> int:
    """Ask about everything in `folder`, print what is found, and give the exit status. Raises `NotAudited` and `WrongAcceptance`."""
    accepted = read_accepted((folder / "accepted.toml").read_text(), today)
    pins = pins_of(folder)
    findings: list[Finding] = []
    unknown: list[str] = []
    rounds = list(rounds_of(pins))
    first = rounds[0][:1]
    if len(pins) > 1 and findings_of(ask(first, options))[1]:  # hundreds of questions would not be answered either
        raise NotAudited(f"nothing is known even about {first[0]}: vulnerabilities can't be asked for here")
    for requirements in rounds:
        found, not_known = findings_of(ask(requirements, options))
        findings += found
        unknown += not_known
    left = 0
    for finding in findings:
        by = accepts(accepted, finding, today)
        left += by is None
        what = (
            f"accepted until {by.until}: {by.reason}"
            if by
            else f"fixed in {', '.join(finding.fixed_in) or 'no version'}"
        )
        where = ", ".join(pins[finding.package, finding.version])
        print(f"{finding.package} {finding.version} ({where}): {' '.join(finding.ids)}: {what}")
    for each in accepted:
        if not any(accepts([each], finding, each.until) for finding in findings):
            print(f"accepted.toml: nothing that is locked has {each.id} of {each.package} any more")
    if left:
        return VULNERABLE
    if unknown:
        raise NotAudited(f"nothing is known about {len(unknown)} of {len(pins)} locked packages, such as {unknown[0]}")
    print(f"audit: {len(pins)} locked packages have no known vulnerability but the {len(findings)} accepted ones")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="requirements/audit.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--if-reachable", action="store_true", help="say so and pass where the service can't be asked")
    parser.add_argument("--osv-url", metavar="URL", help="ask a service that speaks OSV's protocol, instead of PyPI")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the lock files, and accepted.toml")
    chosen = parser.parse_args(arguments)
    options = ["--vulnerability-service", "osv", "--osv-url", chosen.osv_url] if chosen.osv_url else []
    try:
        install()
        return audit(chosen.folder, options, datetime.now(UTC).date())
    except WrongAcceptance as error:
        print(f"accepted.toml: {error}", file=sys.stderr)
        return EX_CONFIG
    except (NotAudited, subprocess.CalledProcessError) as error:
        print(f"audit: not done: {error}")
        return 0 if chosen.if_reachable else EX_TEMPFAIL


if __name__ == "__main__":
    raise SystemExit(main())
