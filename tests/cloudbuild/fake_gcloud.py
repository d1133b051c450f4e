"""What gcloud does where a rollout calls it, over a file of services instead of Google Cloud.

`fake_gcloud.sh` is the program, the double at the process boundary: it asks here, because a Python for each of a rollout's two dozen calls
takes longer than all else. This knows the commands and options that the real one has and a rollout needs, and refuses all others. How
traffic, tags and `--no-traffic` work is copied from what gcloud 528 does (googlecloudsdk/api_lib/run/traffic.py). `faults` in the file
make a command fail, hang, or kill whoever called it.
"""

import argparse
import fcntl
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn


@dataclass(frozen=True)
class Answer:
    """What the program prints, on standard error where it fails, and what it does to who called it: `kills`, `asks to end` or nothing."""

    status: int
    said: str
    then: str = ""


class GcloudError(Exception):
    """gcloud says so, and ends with status 1."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(message)


@functools.cache
def options() -> argparse.ArgumentParser:
    parser = _Parser(prog="gcloud", allow_abbrev=False)
    groups = parser.add_subparsers(dest="group", required=True)

    def everywhere(command: argparse.ArgumentParser) -> None:
        command.add_argument("--project", required=True)
        command.add_argument("--region", required=True)
        command.add_argument("--format", choices=["json"], required=True)

    run = groups.add_parser("run").add_subparsers(dest="command", required=True)
    deploy = run.add_parser("deploy", allow_abbrev=False)
    deploy.add_argument("service")
    deploy.add_argument("--image", required=True)
    deploy.add_argument("--no-traffic", action="store_true")
    deploy.add_argument("--quiet", action="store_true", required=True)
    everywhere(deploy)
    services = run.add_parser("services").add_subparsers(dest="verb", required=True)
    describe = services.add_parser("describe", allow_abbrev=False)
    describe.add_argument("service")
    everywhere(describe)
    traffic = services.add_parser("update-traffic", allow_abbrev=False)
    traffic.add_argument("service")
    tags = traffic.add_mutually_exclusive_group()
    tags.add_argument("--update-tags")
    tags.add_argument("--remove-tags")
    shares = traffic.add_mutually_exclusive_group()
    shares.add_argument("--to-latest", action="store_true")
    shares.add_argument("--to-revisions")
    traffic.add_argument("--quiet", action="store_true", required=True)
    everywhere(traffic)

    auth = groups.add_parser("auth").add_subparsers(dest="command", required=True)
    identity = auth.add_parser("print-identity-token", allow_abbrev=False)
    identity.add_argument("--audiences", required=True)
    identity.add_argument("--impersonate-service-account", required=True)
    identity.add_argument("--include-email", action="store_true")
    identity.add_argument("--quiet", action="store_true", required=True)
    auth.add_parser("print-access-token", allow_abbrev=False).add_argument(
        "--quiet", action="store_true", required=True
    )

    secrets = groups.add_parser("secrets").add_subparsers(dest="command", required=True)
    access = secrets.add_parser("versions").add_subparsers(dest="verb", required=True).add_parser("access")
    access.add_argument("version", choices=["latest"])
    access.add_argument("--secret", required=True)
    access.add_argument("--project", required=True)
    access.add_argument("--quiet", action="store_true", required=True)

    copy = (
        groups.add_parser("storage").add_subparsers(dest="command", required=True).add_parser("cp", allow_abbrev=False)
    )
    copy.add_argument("--if-generation-match", choices=["0"])
    copy.add_argument("source")
    copy.add_argument("to")
    publish = groups.add_parser("pubsub").add_subparsers(dest="command", required=True).add_parser("topics")
    publish = publish.add_subparsers(dest="verb", required=True).add_parser("publish", allow_abbrev=False)
    publish.add_argument("topic")
    publish.add_argument("--message", required=True)

    builds = groups.add_parser("builds").add_subparsers(dest="command", required=True).add_parser("list")
    builds.add_argument("--ongoing", action="store_true", required=True)
    everywhere(builds)
    return parser


def fail(message: str) -> NoReturn:
    raise GcloudError(message)


def key(target: dict[str, Any]) -> str:
    return "LATEST" if target.get("latestRevision") else target["revisionName"]


def target(name: str, **more: object) -> dict[str, Any]:
    return ({"latestRevision": True} if name == "LATEST" else {"revisionName": name}) | more


def deploy(service: dict[str, Any], chosen: argparse.Namespace, cloud: dict[str, Any]) -> None:
    image = cloud["images"].get(chosen.image)
    if image is None:
        fail(f"Image '{chosen.image}' not found")
    if chosen.no_traffic:
        if not service["latest_ready"]:
            fail("traffic can't go to a revision without a name")
        for its in service["traffic"]:
            if its.get("percent") and its.pop("latestRevision", False):
                its["revisionName"] = service["latest_ready"]
    make_revision(service, chosen.image, ready=not image.get("crashes"))
    if image.get("crashes"):
        fail("The user-provided container failed to start and listen on the port defined provided by the PORT=8080")


def make_revision(service: dict[str, Any], image: str, *, ready: bool = True) -> None:
    name = f"{service['name']}-{len(service['revisions']) + 1:05d}"
    service["revisions"][name] = image
    service["image"] = image
    service["latest_created"] = name
    if ready:
        service["latest_ready"] = name


def update_traffic(service: dict[str, Any], chosen: argparse.Namespace) -> None:
    removed = set((chosen.remove_tags or "").split(",")) - {""}
    updated = dict(pair.split("=") for pair in (chosen.update_tags or "").split(",") if pair)
    kept = []
    for its in service["traffic"]:
        if its.get("tag") in removed | updated.keys():
            del its["tag"]
        if its.get("percent") or its.get("tag"):
            kept.append(its)
    kept += [target(name, tag=tag) for tag, name in updated.items()]
    wanted = {"LATEST": 100} if chosen.to_latest else {}
    for pair in (chosen.to_revisions or "").split(",") if chosen.to_revisions else []:
        name, percent = pair.split("=")
        wanted[name] = int(percent)
    if wanted:
        if sum(wanted.values()) != 100:
            fail("the double knows only traffic that is wholly assigned")
        tags = [target(key(its), tag=its["tag"]) for its in kept if its.get("tag")]
        kept = [target(name, percent=percent) for name, percent in wanted.items() if percent] + tags
    if unknown := {key(its) for its in kept} - service["revisions"].keys() - {"LATEST"}:
        fail(f"Revision {unknown} not found")
    service["traffic"] = kept


def described(service: dict[str, Any], base: str) -> dict[str, Any]:
    status = []
    for its in service["traffic"]:
        name = service["latest_ready"] if its.get("latestRevision") else its["revisionName"]
        if name:
            link = {"url": f"{base}/tags/{service['name']}/{its['tag']}"} if its.get("tag") else {}
            status.append({**its, "revisionName": name, **link})
    return {
        "metadata": {"name": service["name"]},
        "spec": {
            "template": {"spec": {"containers": [{"image": service["image"]}]}},
            "traffic": service["traffic"],
        },
        "status": {
            "url": f"{base}/services/{service['name']}",
            "latestCreatedRevisionName": service["latest_created"],
            "latestReadyRevisionName": service["latest_ready"],
            "traffic": status,
        },
    }


def place(name: str, file: Path, working_folder: Path) -> Path:
    """Where an object or a file is; objects lie beside the file of services."""
    return file.parent / name.replace("gs://", "gs/") if name.startswith("gs://") else working_folder / name


def copy(chosen: argparse.Namespace, file: Path, working_folder: Path) -> None:
    source, to = place(chosen.source, file, working_folder), place(chosen.to, file, working_folder)
    if not source.is_file():
        fail(f"The following URLs matched no objects or files: {chosen.source}")
    if chosen.if_generation_match and to.exists():
        fail("HTTPError 412: At least one of the pre-conditions you specified did not hold.")
    if chosen.to.startswith("gs://"):
        to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(source.read_bytes())


def work(chosen: argparse.Namespace, cloud: dict[str, Any]) -> str:
    if chosen.group == "pubsub":
        cloud["published"].append([chosen.topic, chosen.message])
        return ""
    if chosen.group == "auth":
        if chosen.command == "print-access-token":
            return "access-token"
        return f"identity of {chosen.impersonate_service_account} for {chosen.audiences}"
    if chosen.group == "secrets":
        secret: str = cloud["secrets"].get(chosen.secret) or fail(f"Secret [{chosen.secret}] not found")
        return secret
    if chosen.group == "builds":
        return json.dumps(cloud["builds"].pop(0) if len(cloud["builds"]) > 1 else cloud["builds"][0])
    service = cloud["services"].get(chosen.service) or fail(f"Cannot find service [{chosen.service}]")
    if chosen.command == "deploy":
        deploy(service, chosen, cloud)
    elif chosen.verb == "update-traffic":
        update_traffic(service, chosen)
    return json.dumps(described(service, cloud["base"]))


def answer(arguments: Sequence[str], file: Path, working_folder: Path) -> Answer:
    """Of `gcloud` with these arguments, called in that folder, over that file of services."""
    try:
        return _answer(arguments, file, working_folder)
    except GcloudError as error:
        return Answer(1, f"ERROR: (gcloud) {error}\n")


def _answer(arguments: Sequence[str], file: Path, working_folder: Path) -> Answer:
    chosen, command = options().parse_args(arguments), " ".join(arguments)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cloud = json.loads(file.read_text())
        cloud["calls"].append(command)
        fault = next((its for its in cloud["faults"] if its["of"] in command and its.get("times", 1)), {})
        if fault:
            fault["times"] = fault.get("times", 1) - 1
        what, said = fault.get("what", ""), ""
        try:
            if what in {"", "kills", "terraform"}:
                if chosen.group == "storage":
                    copy(chosen, file, working_folder)
                else:
                    said = work(chosen, cloud) + "\n"
            if what == "terraform":
                make_revision(cloud["services"][chosen.service], cloud["services"][chosen.service]["image"])
        finally:
            file.write_text(json.dumps(cloud))
    if what == "fails":
        fail(fault.get("message", "HttpError 503"))
    return Answer(0, said, what if what in {"kills", "asks to end"} else "")
