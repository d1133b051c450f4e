"""What Terraform makes of an environment, without a cloud: each resource with the values that the configuration gives it.

The environments' own tests apply them on a mocked provider. The state that this leaves is read here.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

ENVIRONMENTS: Final = ("dev", "staging", "prod")
RUN: Final = "everything"
"""The run of environment.tftest.hcl that applies all of it."""
INVOKER: Final = "roles/run.invoker"


class NotReadable(Exception):
    """Terraform could not be had to say what it makes; the message is its own."""


class Unreachable(NotReadable):
    """The providers can't be had: neither from their registry nor as stand-ins."""


@dataclass(frozen=True)
class Resource:
    """One resource, of whatever module."""

    address: str
    type: str
    index: str | int | None
    """Its key, where there are several."""
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Service:
    """A Cloud Run service, as far as tests ask."""

    name: str
    environ: Mapping[str, str]
    """Variables with a value of their own."""
    secrets: Mapping[str, str]
    """Variables that come from Secret Manager, and the secret's resource id."""
    account: str
    """E-mail of whom it runs as."""
    timeout_sec: int
    concurrency: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Installation:
    """An environment as Terraform would make it."""

    environment: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]

    def of_type(self, kind: str) -> list[Resource]:
        """All resources of a type, such as `google_pubsub_topic`."""
        return [each for each in self.resources if each.type == kind]

    @cached_property
    def services(self) -> Mapping[str, Service]:
        """The Cloud Run services by the names that the topology has for them, `api` and `whisper`."""
        names = {name: service for service, name in self.outputs["service_names"].items()}
        made = map(_service, self.of_type("google_cloud_run_v2_service"))
        return {names[service.name]: service for service in made}

    @cached_property
    def accounts(self) -> Mapping[str, str]:
        """Member of policies → which service it is (`push` is who signs pushes)."""
        return {f"serviceAccount:{email}": name for name, email in self.outputs["service_accounts"].items()}


def installation(root: Path, environment: str) -> Installation:
    """Have Terraform apply an environment on a mocked provider. Raises `NotReadable`."""
    folder = root / "terraform" / "environments" / environment
    arguments = ("-json", "-verbose", "-filter=tests/environment.tftest.hcl")
    offline = _offline_tool(root)
    if offline is not None:
        output = _said(offline, "test", str(folder), "--root", str(root), "--", *arguments)
    else:
        output = _said_by_terraform(folder, arguments)
    return _read(environment, output)


def _offline_tool(root: Path) -> str | None:
    """The program that runs terraform on stand-ins for its providers, where there is one."""
    named = os.environ.get("TERRAFORM_OFFLINE")
    beside = root.parent / "shared" / "tools" / "terraform-offline" / "terraform-offline"
    return named or (str(beside) if os.access(beside, os.X_OK) else None)


def _said_by_terraform(folder: Path, arguments: tuple[str, ...]) -> str:
    terraform = shutil.which("terraform")
    if terraform is None:
        raise Unreachable("terraform is not installed")
    try:
        _said(terraform, f"-chdir={folder}", "init", "-backend=false", "-input=false", "-no-color")
    except NotReadable as error:
        raise Unreachable(str(error)) from error
    return _said(terraform, f"-chdir={folder}", "test", *arguments)


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReadable(f"{' '.join(command)}\n{done.stderr}\n{_messages(done.stdout)}")
    return done.stdout


def _messages(output: str) -> str:
    """What terraform wanted to say to people, without the states."""
    lines = (json.loads(line) for line in output.splitlines() if line.startswith("{"))
    errors = (said.get("diagnostic", said.get("@message")) for said in lines if said.get("@level") == "error")
    return "\n".join(map(json.dumps, errors))


def _read(environment: str, output: str) -> Installation:
    for line in output.splitlines():
        if not line.startswith("{"):
            continue
        said = json.loads(line)
        if said.get("type") == "test_state" and said.get("@testrun") == RUN:
            state = said["test_state"]
            outputs = {name: output["value"] for name, output in state["outputs"].items()}
            return Installation(environment, tuple(_resources(state["root_module"])), outputs)
    raise NotReadable(f"environment.tftest.hcl of {environment} left no state of its run {RUN!r}")


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    for each in module.get("resources", ()):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each.get("index"), each["values"])
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _service(resource: Resource) -> Service:
    template = resource.values["template"][0]
    environ: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for variable in template["containers"][0]["env"]:
        if source := variable["value_source"]:
            secrets[variable["name"]] = source[0]["secret_key_ref"][0]["secret"]
        else:
            environ[variable["name"]] = variable["value"]
    return Service(
        name=resource.values["name"],
        environ=environ,
        secrets=secrets,
        account=template["service_account"],
        timeout_sec=int(template["timeout"].removesuffix("s")),
        concurrency=template["max_instance_request_concurrency"],
        values=resource.values,
    )
