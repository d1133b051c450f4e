"""Who may do what: as little as the code needs, for nobody more than for whom it is, and never for everybody but at the two open doors."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from common import events
from common.events import Event
from common.topology import topology
from tests.terraform.installation import INVOKER, Installation, Resource

pytestmark = pytest.mark.component("terraform")

DEPLOYER: Final = "serviceAccount:deploy@builds.iam.gserviceaccount.com"
"""Asks a revision how it is before it gets traffic."""
EVERYBODY: Final = ("allUsers", "allAuthenticatedUsers")
SECRET_VALUES: Final = "what-nobody-may-read-in-any-state"
"""The tests of the environments give secrets that begin so."""

ROLES: Final = {
    "ingest": {
        "roles/storage.objectCreator on raw/",
        "roles/storage.objectViewer on raw/, dropbox/",
        "roles/storage.objectViewer on call-recordings",
        "roles/datastore.user",
        "roles/cloudtrace.agent",
    },
    "segmenter": {"roles/storage.objectUser on raw/, segments/", "roles/datastore.user", "roles/cloudtrace.agent"},
    "transcribe": {
        "roles/storage.objectViewer on raw/",
        "roles/storage.objectUser on raw/dead-letters/, raw/quarantine/, segments/",
        "roles/datastore.user",
        "roles/cloudtrace.agent",
    },
    "api": {
        "roles/storage.objectViewer on raw/",
        "roles/storage.objectUser on raw/dead-letters/, segments/",
        "roles/datastore.user",
        "roles/cloudtrace.agent",
    },
    "push": set(),
}
"""In bucket and project. Topics, secrets and services have tests of their own."""


def members(made: Installation) -> Iterator[Resource]:
    """Everything that gives somebody a role."""
    return (each for each in made.resources if each.type.endswith("_iam_member"))


def test_who_may_call_which_service(made: Installation) -> None:
    services = {each.name: name for name, each in made.services.items()}
    callers = defaultdict(set)
    for each in made.of_type("google_cloud_run_v2_service_iam_member"):
        if each.values["role"] == INVOKER:
            member = each.values["member"]
            callers[services[each.values["name"]]].add(made.accounts.get(member, member))
    public, private = {"allUsers"}, {"push", DEPLOYER}
    expected = {"ingest": public, "api": public, "segmenter": private, "transcribe": private}
    if "whisper" in made.services:
        expected["whisper"] = {"transcribe"}
    assert callers == expected


def test_nothing_else_is_for_everybody(made: Installation) -> None:
    for each in made.resources:
        if any(everybody in json.dumps(each.values) for everybody in EVERYBODY):
            assert (each.type, each.values["role"]) == ("google_cloud_run_v2_service_iam_member", INVOKER)
    assert all(each.values["public_access_prevention"] == "enforced" for each in made.of_type("google_storage_bucket"))
    assert all(each.values["uniform_bucket_level_access"] for each in made.of_type("google_storage_bucket"))


def test_each_service_runs_as_itself(made: Installation) -> None:
    for name, service in made.services.items():
        assert made.accounts[f"serviceAccount:{service.account}"] == name


def test_no_grant_takes_others_away(made: Installation) -> None:
    assert [each.address for each in made.resources if re.search("_iam_(binding|policy)$", each.type)] == []


def test_no_file_has_a_resource_that_takes_other_grants_away(request: pytest.FixtureRequest) -> None:
    files = list((request.config.rootpath / "terraform").rglob("*.tf"))
    assert files
    taken = [
        each
        for each in files
        if re.search(r'resource\s+"google_\w+_iam_(binding|policy|audit_config)"', each.read_text())
    ]
    assert taken == []


def test_no_secret_is_in_the_state(made: Installation) -> None:
    assert made.of_type("google_secret_manager_secret_version")
    for each in made.resources:
        assert SECRET_VALUES not in json.dumps(each.values), each.address
    assert SECRET_VALUES not in json.dumps(made.outputs)


def test_redis_password_is_in_redis_alone(made: Installation) -> None:
    found = {each.type for each in made.resources if "what-memorystore-made-up" in json.dumps(each.values)}
    assert found == {"google_redis_instance"}


def test_each_secret_is_read_by_whose_environment_it_is_in(made: Installation) -> None:
    readers, users = defaultdict(set), defaultdict(set)
    for each in made.of_type("google_secret_manager_secret_iam_member"):
        assert each.values["role"] == "roles/secretmanager.secretAccessor"
        readers[each.values["secret_id"]].add(made.accounts[each.values["member"]])
    for name, service in made.services.items():
        for secret in service.secrets.values():
            users[secret].add(name)
    assert readers == users


def test_roles_in_bucket_and_project_are_those_that_are_needed(made: Installation) -> None:
    roles: dict[str, set[str]] = {name: set() for name in ROLES}
    for each in members(made):
        service = made.accounts.get(each.values.get("member", ""))
        if service is None or each.type not in {"google_storage_bucket_iam_member", "google_project_iam_member"}:
            continue
        roles.setdefault(service, set()).add(_described(made, each))
    whisper = roles.pop("whisper", set())
    assert roles == ROLES
    assert whisper <= {"roles/storage.objectViewer on a-bucket-of-models"}


def test_the_database_is_one_and_no_other(made: Installation) -> None:
    database = f"projects/a-project/databases/{made.services['ingest'].environ['FIRESTORE_DATABASE']}"
    found = [
        each for each in made.of_type("google_project_iam_member") if each.values["role"] == "roles/datastore.user"
    ]
    assert len(found) == 4
    assert {each.values["condition"][0]["expression"] for each in found} == {f'resource.name == "{database}"'}


def test_who_drops_files_reaches_nothing_else(made: Installation) -> None:
    archive, *others = (
        each
        for each in members(made)
        if each.values.get("member") == "serviceAccount:archive@calls.iam.gserviceaccount.com"
    )
    assert others == []
    assert archive.values["role"] == "roles/storage.objectCreator"
    assert archive.values["condition"][0]["expression"] == (
        f'resource.name.startsWith("projects/_/buckets/{made.outputs["bucket"]}/objects/dropbox/")'
    )


def test_services_may_publish_what_their_code_publishes(made: Installation, request: pytest.FixtureRequest) -> None:
    granted = defaultdict(set)
    topics = {each.values["id"]: str(each.index) for each in made.of_type("google_pubsub_topic")}
    for each in made.of_type("google_pubsub_topic_iam_member"):
        assert each.values["role"] == "roles/pubsub.publisher"
        if service := made.accounts.get(each.values["member"]):
            granted[service].add(topics[each.values["topic"]])
    root = request.config.rootpath
    replayed = {each.topic for each in topology().subscriptions.values() if each.dead_letter_topic}
    assert granted == {
        "ingest": topics_named_in(root / "ingest_service"),
        "segmenter": topics_named_in(root / "segmenter_service"),
        "transcribe": topics_named_in(root / "transcribe_service"),
        "api": topics_named_in(root / "transcribe_service") | replayed,
    }


def test_upstream_systems_may_publish_to_one_topic(made: Installation) -> None:
    found = [each for each in members(made) if each.values.get("member") == "group:recorders@calls.example"]
    topics = {each.values["id"]: str(each.index) for each in made.of_type("google_pubsub_topic")}
    assert [(each.values["role"], topics[each.values["topic"]]) for each in found] == [
        ("roles/pubsub.publisher", "audio-uploads")
    ]


def test_who_deploys_may_do_that_and_nothing_else(made: Installation) -> None:
    given = defaultdict(set)
    for each in members(made):
        if each.values.get("member") == DEPLOYER:
            given[each.values["role"]].add(each.type)
    assert given == {
        "roles/run.developer": {"google_cloud_run_v2_service_iam_member"},
        INVOKER: {"google_cloud_run_v2_service_iam_member"},
        "roles/iam.serviceAccountUser": {"google_service_account_iam_member"},
    }


def topics_named_in(package: Path) -> set[str]:
    """Topics of the events that a package's code names: what it makes, and what it handles and may publish once more."""
    kinds = {
        name: each.TOPIC for name, each in vars(events).items() if isinstance(each, type) and hasattr(each, "TOPIC")
    }
    assert issubclass(events.ChunkStored, Event)
    named = {
        node.id
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Name)
    }
    return {topic for name, topic in kinds.items() if name in named}


def _described(made: Installation, member: Resource) -> str:
    """The role, and where in the bucket; of another bucket its name."""
    role: str = member.values["role"]
    if member.type != "google_storage_bucket_iam_member":
        return role
    if member.values["bucket"] != made.outputs["bucket"]:
        return f"{role} on {member.values['bucket']}"
    expression = member.values["condition"][0]["expression"]
    folders = re.findall(rf'startsWith\("projects/_/buckets/{made.outputs["bucket"]}/objects/([^"]*)"\)', expression)
    return f"{role} on {', '.join(folders)}"
