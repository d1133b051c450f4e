"""Every topic, push and sweep of the topology comes to a service that has the route, and is believed there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import fakeredis
import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

import segmenter_service.app
from common.auth import SingleToken
from common.health import Drain
from common.push import SharedTokenAuth
from common.settings import Secret, load
from common.topology import topology
from ingest_service.app import IngestDeps
from ingest_service.app import create_app as create_ingest
from ingest_service.pubsub.push_routes import Pushes
from segmenter_service.app import SegmenterDeps
from tests.ingest_service.fakes import Ingest
from tests.segmenter_service.stage import Stage
from tests.terraform.installation import Installation, Resource
from tests.terraform.test_settings_of_services import SETTINGS, environ_of
from tests.transcribe_service.fakes import World
from transcribe_service.app import create_app as create_transcribe
from transcribe_service.settings import TranscribeSettings

pytestmark = pytest.mark.component("terraform")

PUSHER: Final = SharedTokenAuth(Secret("pusher"))


class NoSources:
    """Nobody asks for an object here."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def ingest(_settings: Any) -> Flask:
    world = Ingest()
    return create_ingest(
        IngestDeps(
            settings=world.settings,
            blobs=world.blobs,
            publisher=world.publisher,
            tokens=SingleToken(Secret("token")),
            token_store=world.token_store,
            clock=world.clock,
            drain=Drain(),
            pushes=Pushes(PUSHER, NoSources()),
        )
    )


def segmenter(_settings: Any) -> Flask:
    stage = Stage(fakeredis.FakeRedis())
    return segmenter_service.app.create_app(
        SegmenterDeps(
            settings=stage.settings,
            blobs=stage.blobs,
            publisher=stage.publisher,
            streams=stage.streams,
            meetings=stage.meetings,
            redis=stage.redis,
            push_auth=PUSHER,
            clock=stage.clock,
            drain=Drain(),
        )
    )


def transcribe(settings: TranscribeSettings) -> Flask:
    """In the role that Terraform gives it."""
    return create_transcribe(replace(World().deps(), settings=settings))


APPLICATIONS: Final[Mapping[str, Callable[[Any], Flask]]] = {
    "ingest": ingest,
    "segmenter": segmenter,
    "transcribe": transcribe,
    "api": transcribe,
}


def applications(made: Installation) -> dict[str, Flask]:
    """The services' applications, with the settings that Terraform gives them where these decide about routes."""
    return {name: build(load(SETTINGS[name], environ_of(made, name))) for name, build in APPLICATIONS.items()}


def takes(app: Flask, path: str) -> bool:
    """True when the application has a route for a POST to `path`."""
    try:
        app.url_map.bind("service.example").match(path, method="POST")
    except HTTPException:
        return False
    return True


def service_at(made: Installation, url: str) -> tuple[str, str]:
    """`(service, path)` of a URL."""
    parts = urlsplit(url)
    services = {url: name for name, url in made.outputs["service_urls"].items()}
    return services[f"{parts.scheme}://{parts.netloc}"], parts.path


def pushes(made: Installation) -> dict[str, Resource]:
    """Subscriptions by their names in the topology."""
    return {str(each.index): each for each in made.of_type("google_pubsub_subscription")}


def sweeps(made: Installation) -> dict[str, Resource]:
    """Schedules by their names in the topology."""
    return {str(each.index): each for each in made.of_type("google_cloud_scheduler_job")}


def test_all_of_the_topology_is_made_and_nothing_else(made: Installation) -> None:
    known = topology()
    assert {each.index for each in made.of_type("google_pubsub_topic")} == set(known.topics)
    assert pushes(made).keys() == known.subscriptions.keys()
    assert sweeps(made).keys() == known.schedules.keys()


def test_topics_are_called_what_the_services_call_them(made: Installation) -> None:
    for each in made.of_type("google_pubsub_topic"):
        for service in SETTINGS:
            prefix = made.services[service].environ.get("PUBSUB_PREFIX", "")
            assert each.values["name"] == f"{prefix}{each.index}"


def test_each_push_comes_to_a_service_that_has_the_route(made: Installation) -> None:
    apps = applications(made)
    for name, subscription in pushes(made).items():
        service, path = service_at(made, subscription.values["push_config"][0]["push_endpoint"])
        wanted = topology().subscriptions[name]
        assert (service, path) == (wanted.service, wanted.path)
        assert takes(apps[service], path), name


def test_each_sweep_comes_to_a_service_that_has_the_route(made: Installation) -> None:
    apps = applications(made)
    for name, schedule in sweeps(made).items():
        target = schedule.values["http_target"][0]
        service, path = service_at(made, target["uri"])
        wanted = topology().schedules[name]
        assert (service, path, target["http_method"]) == (wanted.service, wanted.path, "POST")
        assert takes(apps[service], path), name


def test_nobody_pushes_to_the_api_and_it_has_no_route_for_it(made: Installation) -> None:
    api, worker = applications(made)["api"], applications(made)["transcribe"]
    pushed = {each.path for each in topology().subscriptions.values()}
    paths = pushed | {each.path for each in topology().schedules.values()}
    assert not any(takes(api, path) for path in paths)
    assert takes(api, "/v1/deadletters/replay")
    assert not takes(worker, "/v1/deadletters/replay")


def test_each_push_and_sweep_is_signed_for_what_its_service_believes(made: Installation) -> None:
    pushed = [each.values["push_config"][0] for each in pushes(made).values()]
    swept = [each.values["http_target"][0] for each in sweeps(made).values()]
    for target in (*pushed, *swept):
        service, _ = service_at(made, target.get("push_endpoint") or target["uri"])
        settings = load(SETTINGS[service], environ_of(made, service))
        token = target["oidc_token"][0]
        assert token["audience"] == settings.push_audience  # type: ignore[attr-defined]
        assert {token["service_account_email"]} == settings.push_accounts  # type: ignore[attr-defined]
        assert token["audience"] in made.services[service].values["custom_audiences"]


def test_who_checks_signatures_is_who_can(made: Installation) -> None:
    public = {
        str(each.values["name"])
        for each in made.of_type("google_cloud_run_v2_service_iam_member")
        if each.values["member"] == "allUsers"
    }
    for service in ("ingest", "segmenter", "transcribe"):
        checks = made.services[service].environ.get("PUSH_SIGNATURE", "application")
        assert checks == ("application" if made.services[service].name in public else "cloud_run")


def test_no_service_works_on_a_push_that_pub_sub_has_given_up(made: Installation) -> None:
    for subscription in pushes(made).values():
        service, _ = service_at(made, subscription.values["push_config"][0]["push_endpoint"])
        assert made.services[service].timeout_sec <= subscription.values["ack_deadline_seconds"]
    for schedule in sweeps(made).values():
        service, _ = service_at(made, schedule.values["http_target"][0]["uri"])
        assert int(re.sub("s$", "", schedule.values["attempt_deadline"])) >= made.services[service].timeout_sec


def test_files_are_told_of_where_ingest_looks_for_them(made: Installation) -> None:
    notification, *others = made.of_type("google_storage_notification")
    assert others == []
    assert notification.values["bucket"] == made.outputs["bucket"]
    assert notification.values["object_name_prefix"] == f"{made.services['ingest'].environ['DROPBOX_PATH']}/"
