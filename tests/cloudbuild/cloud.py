"""A Cloud Run that is a file and an HTTP server: what a rollout's gcloud changes, and what its heartbeats and counts are asked of."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cloudbuild.fake_gcloud import answer

ROOT = Path(__file__).parents[2]
OLD, NEW = "1" * 40, "2" * 40
ACCOUNT = "deployer@a-project.iam.gserviceaccount.com"
SERVICES = {"segmenter": "segmenter", "transcribe": "transcribe", "api": "transcribe", "ingest": "ingest"}
PRIVATE = {"dev-segmenter", "dev-transcribe"}


def reference(image: str, commit: str) -> str:
    """By digest; the digest says which image and commit."""
    return f"images.example/turnscribe/{image}@sha256:{image.encode().hex().ljust(24, '0')}{commit}"


@dataclass(frozen=True)
class Ended:
    """How a rollout's process ended, and what it printed."""

    status: int
    said: str


class Cloud:
    """Four services, each at the revision of OLD, and images of OLD and NEW."""

    def __init__(self, folder: Path, base: str) -> None:
        self.file = folder / "cloud.json"
        program = folder / "bin" / "gcloud"
        program.parent.mkdir()
        asking = Path(__file__).with_name("fake_gcloud.sh")
        program.write_text(f'#!/bin/sh\nCLOUD_PORT={urlsplit(base).port} exec bash {asking} "$@"\n')
        program.chmod(0o755)
        self.record = folder / "images.json"
        self.base = base
        self.images = {
            reference(image, commit): {"commit": commit} for image in set(SERVICES.values()) for commit in (OLD, NEW)
        }
        services = {
            f"dev-{name}": {
                "name": f"dev-{name}",
                "image": reference(image, OLD),
                "revisions": {f"dev-{name}-00001": reference(image, OLD)},
                "latest_created": f"dev-{name}-00001",
                "latest_ready": f"dev-{name}-00001",
                "traffic": [{"latestRevision": True, "percent": 100}],
            }
            for name, image in SERVICES.items()
        }
        self.write(
            {
                "base": base,
                "services": services,
                "images": self.images,
                "faults": [],
                "calls": [],
                "secrets": {"check": "the-token"},
                "builds": [[]],
                "published": [],
                "transcript": "good morning",
            }
        )

    def read(self) -> dict[str, Any]:
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found: dict[str, Any] = json.loads(self.file.read_text())
            return found

    def write(self, state: Mapping[str, Any]) -> None:
        self.file.write_text(json.dumps(state))

    @contextmanager
    def changed(self) -> Iterator[dict[str, Any]]:
        """The file's content, to be changed in place."""
        state = self.read()
        yield state
        self.write(state)

    def image_is(self, image: str, commit: str = NEW, **how: Any) -> None:
        """`crashes`, `ready` False, `says` another commit, or `errors` of 100 requests."""
        with self.changed() as state:
            state["images"][reference(image, commit)].update(how)

    def fault(self, of: str, what: str, times: int = 1) -> None:
        """In commands that contain `of`."""
        with self.changed() as state:
            state["faults"].append({"of": of, "what": what, "times": times})

    def serving(self) -> Mapping[str, Mapping[str, int]]:
        """Service → commit of its image → percent."""
        found: dict[str, dict[str, int]] = {}
        state = self.read()
        for name, service in state["services"].items():
            for target in service["traffic"]:
                if target.get("percent"):
                    revision = service["latest_ready"] if target.get("latestRevision") else target["revisionName"]
                    commit = state["images"][service["revisions"][revision]]["commit"]
                    found.setdefault(name.removeprefix("dev-"), {})[commit] = target["percent"]
        return found

    def follows_latest(self, service: str) -> bool:
        return any(
            target.get("latestRevision") and target.get("percent") == 100
            for target in self.read()["services"][f"dev-{service}"]["traffic"]
        )

    def tags(self) -> Mapping[str, str]:
        """`service tag` → revision."""
        return {
            f"{name.removeprefix('dev-')} {target['tag']}": target.get("revisionName", "LATEST")
            for name, service in self.read()["services"].items()
            for target in service["traffic"]
            if target.get("tag")
        }

    def calls(self, containing: str) -> Sequence[str]:
        return [call for call in self.read()["calls"] if containing in call]

    def rollout(self, commit: str = NEW, *more: str) -> Ended:
        """`python3 -m cloudbuild.rollout deploy` in a process of its own."""
        images = {image: reference(image, commit) for image in sorted(set(SERVICES.values()))}
        self.record.write_text(json.dumps(images))
        return self.run("deploy", f"--commit={commit}", f"--images={self.record}", f"--account={ACCOUNT}", *FAST, *more)

    def run(self, command: str, *options: str) -> Ended:
        """`python3 -m cloudbuild.rollout`."""
        done = subprocess.run(
            [sys.executable, "-m", "cloudbuild.rollout", command, *WHERE, *options],
            cwd=ROOT,
            env={
                "PATH": f"{self.file.parent / 'bin'}:{os.environ['PATH']}",
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING": f"{self.base}/",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr)


WHERE = ("--project=a-project", "--region=europe-west1", "--prefix=dev-")
FAST = ("--canary-minutes=0.005", "--poll-seconds=0.1", "--heartbeat-seconds=0.5")


class Requests(BaseHTTPRequestHandler):
    """Answers for the services at their addresses, and for Cloud Monitoring."""

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        cloud: Cloud = self.server.cloud  # type: ignore[attr-defined]
        state = cloud.read()
        path = urlsplit(self.path).path
        if path.startswith("/v3/projects/a-project/timeSeries"):
            self._answer(200, counts(state, self.path)) if self._bearer() == "access-token" else self._answer(401, {})
            return
        _, kind, name, *rest = path.split("/")
        service = state["services"][name]
        revision = revision_at(service, rest.pop(0) if kind == "tags" else None)
        if name in PRIVATE and self._bearer() != f"identity of {ACCOUNT} for {cloud.base}/services/{name}":
            self._answer(403, {})
            return
        image = state["images"][service["revisions"][revision]]
        if rest == ["health", "version"]:
            self._answer(200, {"service": name, "version": "0", "revision": image.get("says", image["commit"])})
        elif rest == ["health", "ready"]:
            ready = image.get("ready", True)
            self._answer(200 if ready else 503, {"components": {"bucket": "ok" if ready else "unreachable"}})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        cloud: Cloud = self.server.cloud  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/gcloud":
            working_folder, *arguments = _split(body)
            gcloud = answer(arguments, cloud.file, Path(working_folder))
            self._send(200, f"{gcloud.status} {gcloud.then}\n{gcloud.said}".encode())
            return
        good = self._bearer() == "the-token" and self.path == "/services/dev-ingest/v1/audio/transcriptions"
        if good and b"\x1a\x45\xdf\xa3" in body and self.headers["Idempotency-Key"]:
            self._answer(200, {"text": cloud.read()["transcript"]})
        else:
            self._answer(400, {})

    def _bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _answer(self, status: int, body: object) -> None:
        self._send(status, json.dumps(body).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _split(body: bytes) -> Iterator[str]:
    """What fake_gcloud.sh sends: of each, how many bytes it has, a space, and itself."""
    while body:
        length, _, rest = body.partition(b" ")
        yield rest[: int(length)].decode()
        body = rest[int(length) :]


def revision_at(service: Mapping[str, Any], tag: str | None) -> str:
    """The revision that bears the tag, or has most of the traffic."""
    targets = [target for target in service["traffic"] if (target.get("tag") == tag if tag else target.get("percent"))]
    most = max(targets, key=lambda target: target.get("percent", 0))
    name: str = service["latest_ready"] if most.get("latestRevision") else most["revisionName"]
    return name


def counts(state: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """A hundred requests of every revision of the service, some of which failed."""
    wanted = parse_qs(urlsplit(path).query)
    assert wanted["aggregation.groupByFields"] == ["resource.labels.revision_name", "metric.labels.response_code_class"]
    name = wanted["filter"][0].split('resource.labels.service_name="')[1].split('"')[0]
    series = []
    for revision, image in state["services"][name]["revisions"].items():
        errors = state["images"][image].get("errors", 0)
        for response_class, number in (("2xx", 100 - errors), ("5xx", errors)):
            if number:
                half = number // 2
                series.append(
                    {
                        "metric": {"labels": {"response_code_class": response_class}},
                        "resource": {"labels": {"revision_name": revision}},
                        "points": [{"value": {"int64Value": str(part)}} for part in (half, number - half)],
                    }
                )
    return {"timeSeries": series}


@contextmanager
def serving_cloud(folder: Path) -> Iterator[Cloud]:
    """A cloud whose addresses answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        server.cloud = Cloud(folder, f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.cloud  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
