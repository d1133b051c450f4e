"""Builds and starts the services' images without Docker: `python cloudbuild/images/without_docker.py [SERVICE…] [--json]`.

Each Dockerfile is read and done in a temporary folder: a Python with nothing installed, the same requirements with their hashes, the
same files, compiled the same. Then its command is started as its user, in a folder that nobody can write to, until its own health check
succeeds. What cannot be seen here is the base image itself. Needs nothing but Python and a package index; ends with 1 if anything fails.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from cloudbuild.images import dockerfile  # noqa: E402 -- below the line that lets them be found
from cloudbuild.images.base_python import BasePython, base_python  # noqa: E402
from cloudbuild.images.build_context import BuildContext  # noqa: E402
from cloudbuild.images.container import Answer, Container, NotRunning, make_removable, make_unwritable  # noqa: E402
from cloudbuild.images.contents import Contents, contents, files  # noqa: E402
from cloudbuild.images.folder_build import BuildFailed, Image, build  # noqa: E402
from cloudbuild.images.imports import missing, reached  # noqa: E402
from cloudbuild.images.services import LACKING, SERVICES, needs  # noqa: E402
from cloudbuild.images.shared_libraries import without_library  # noqa: E402

START_S: Final = 60
"""How long a service may take to its first answer, and from there to being ready."""
MIB: Final = 1024 * 1024


@dataclasses.dataclass(slots=True)
class Report:
    """What became of one image."""

    service: str
    first_answer_s: float | None = None
    first_answer_cpu_s: float | None = None
    first_answer_without_pyc_s: float | None = None
    first_answer_without_pyc_cpu_s: float | None = None
    first_answer: Any = None
    ready: bool | None = None
    """None: it could not be asked, for want of what `without` says."""
    without: str = ""
    version: Any = None
    user: str = ""
    packages: int = 0
    packages_bytes: int = 0
    code_bytes: int = 0
    """What the image adds to its base is the sum of both; the base's own size is not known here."""
    lacking: list[str] = dataclasses.field(default_factory=list)
    """Imports that it does without on purpose."""
    build_s: float = 0.0
    faults: list[str] = dataclasses.field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="Build and start the services' images without Docker.")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(SERVICES)}; all without any")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument(
        "--without-pyc", action="store_true", help="start each once more without its compiled files, and say how long that took"
    )  # fmt: skip
    asked = parser.parse_args(arguments)
    services = asked.services or list(SERVICES)
    if unknown := set(services) - set(SERVICES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    with _folder() as folder:
        first = dockerfile.parse(_dockerfile(services[0]).read_text())
        base = base_python(first.arguments["PYTHON_IMAGE"], folder)
        reports = [examined(service, base, folder / service, without_pyc=asked.without_pyc) for service in services]
    failed = any(report.faults for report in reports)
    if asked.json:
        told = {"python": base.version, "python_from": base.origin, "failed": failed}
        print(json.dumps({**told, "images": [dataclasses.asdict(report) for report in reports]}, indent=2))
    else:
        _print_table(base, reports)
    return int(failed)


def examined(service: str, base: BasePython, folder: Path, *, without_pyc: bool) -> Report:
    """Build one image below `folder`, look at it, start it."""
    report = Report(service)
    folder.mkdir()
    began_s = time.monotonic()
    try:
        commit = _commit()
        of = dockerfile.parse(_dockerfile(service).read_text())
        image = build(of, BuildContext.of(ROOT), base, folder, {"REVISION": commit})
        report.build_s = round(time.monotonic() - began_s, 1)
        tag = f"cpython-{''.join(base.version.split('.')[:2])}"
        _look(report, contents(image.folder, tag), image, base)
        _start(report, image, base, folder / "run", commit)
        if without_pyc:
            _start_once_more(report, image, base, folder / "run-without-pyc")
    except (dockerfile.DockerfileError, FileNotFoundError, BuildFailed, NotRunning) as error:
        report.faults.append(str(error))
    finally:
        make_removable(folder)
        shutil.rmtree(folder)
    return report


def _look(report: Report, found: Contents, image: Image, base: BasePython) -> None:
    report.packages, report.packages_bytes, report.code_bytes = found.packages, found.packages_bytes, found.code_bytes
    report.faults += found.faults
    report.faults += without_library(image.folder / "packages")
    code = image.folder / "code"
    entries = ("common.gunicorn_conf", f"{report.service}_service.bootstrap", f"{report.service}_service.__main__")
    for each in missing(reached(code, entries), ["python"], base.environ(image.environ)):
        expected = any(f"{each.name}.".startswith(f"{name}.") for name in LACKING[report.service])
        if each.always and not expected:
            report.faults.append(f"{each.by} imports {each.name}, which is not installed")
        elif not expected:
            report.faults.append(f"{each.by} imports {each.name} in a function, and it is not installed")
        else:
            report.lacking.append(f"{each.name} ({each.by})")


def _start(report: Report, image: Image, base: BasePython, scratch: Path, commit: str) -> None:
    make_unwritable(image.folder)
    before = set(files(image.folder))
    with needs(report.service, _made(scratch)) as given:
        container = Container(image, base, scratch, given.settings)
        report.user = f"{image.uid}:{image.gid}" if container.is_other_user else f"{os.getuid()} (not root here)"
        report.without = given.without
        if image.uid == 0:
            report.faults.append("it runs as root")
        probe = "import pathlib, sys; pathlib.Path(sys.argv[1], 'probe').touch()"
        if container.run(["python", "-c", probe, str(image.workdir)]).returncode == 0:
            report.faults.append("its user can write to its code")
        if container.healthy():
            report.faults.append("its health check succeeds while nothing runs")
        with container.started(START_S) as answer:
            report.first_answer_s, report.first_answer_cpu_s = _rounded(answer)
            report.first_answer = container.wait_for("/health", START_S)
            report.version = container.wait_for("/health/version", START_S)
            if report.version["revision"] != commit:
                report.faults.append(f"it says that it was built from {report.version['revision']!r}, not {commit!r}")
            if not container.healthy():
                report.faults.append("its health check fails while it answers")
            if given.ready:
                container.wait_for("/health/ready", START_S)
                report.ready = True
            if (status := container.stop()) != 0:
                report.faults.append(f"it ended with {status} when it was asked to stop:\n{container.log()}")
    if new := set(files(image.folder)) - before:
        report.faults.append(f"it wrote {', '.join(sorted(path.name for path in new))} beside its code")


def _start_once_more(report: Report, image: Image, base: BasePython, scratch: Path) -> None:
    make_removable(image.folder)
    for path in image.folder.rglob("*.pyc"):
        path.unlink()
    with (
        needs(report.service, _made(scratch)) as given,
        Container(image, base, scratch, given.settings).started(START_S) as answer,
    ):
        report.first_answer_without_pyc_s, report.first_answer_without_pyc_cpu_s = _rounded(answer)


def _rounded(answer: Answer) -> tuple[float, float]:
    return round(answer.after_s, 2), round(answer.cpu_s, 2)


def _print_table(base: BasePython, reports: Sequence[Report]) -> None:
    print(f"Python {base.version}: {base.origin}")
    print("size is what the image adds to its base, not compressed; the base itself is not here")
    print(
        f"{'image':<11}{'first answer':>13}{'CPU':>8}{'ready':>7}{'packages':>10}{'size':>9}{'code':>9}{'built':>8}  user"
    )
    for each in reports:
        total = f"{(each.packages_bytes + each.code_bytes) / MIB:.0f} MiB"
        ready = {True: "yes", False: "no", None: "-"}[each.ready]
        print(
            f"{each.service:<11}{_seconds(each.first_answer_s):>13}{_seconds(each.first_answer_cpu_s):>8}{ready:>7}{each.packages:>10}"
            f"{total:>9}{each.code_bytes / MIB:>5.1f} MiB{each.build_s:>6.0f} s  {each.user}"
        )
    for each in reports:
        print(f"{each.service}: {json.dumps(each.first_answer)}, {json.dumps(each.version)}")
        if each.first_answer_without_pyc_s is not None:
            told = _seconds(each.first_answer_without_pyc_s), _seconds(each.first_answer_without_pyc_cpu_s)
            print(f"{each.service}: without compiled files {told[0]} to the first answer, {told[1]} of CPU")
        if each.without:
            print(
                f"{each.service}: started without {each.without}, which is not here; it was not asked whether it is ready"
            )
        for name in each.lacking:
            print(f"{each.service}: does without {name}")
        for fault in each.faults:
            print(f"{each.service}: FAILED: {fault}")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _dockerfile(service: str) -> Path:
    return ROOT / f"{service}_service" / "Dockerfile"


def _commit() -> str:
    """What REVISION is set to: the commit, where git knows it."""
    told = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return told.stdout.strip() or "unknown"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder that every user may look into: the image's is another than ours."""
    with tempfile.TemporaryDirectory(prefix="turnscribe-images-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
