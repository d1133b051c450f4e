"""How large the services are, and that nothing is paid for that nobody uses."""

from typing import Any, Final

import pytest

from tests.terraform.installation import Installation, Service

pytestmark = pytest.mark.component("terraform")

OF_ALL: Final = {
    "ingest": ("1", "2Gi", 600, 80),
    "segmenter": ("2", "4Gi", 60, 16),
    "transcribe": ("2", "4Gi", 60, 32),
    "api": ("1", "2Gi", 3600, 258),
}
"""vCPUs, memory, seconds for a request, requests at a time."""
INSTANCES: Final = {
    "dev": {"ingest": (0, 3), "segmenter": (0, 3), "transcribe": (0, 3), "api": (0, 3)},
    "staging": {"ingest": (0, 5), "segmenter": (0, 5), "transcribe": (0, 5), "api": (0, 5)},
    "prod": {"ingest": (1, 30), "segmenter": (1, 20), "transcribe": (0, 20), "api": (0, 20)},
}
"""At least and at most."""


def template(service: Service) -> Any:
    """Of its revisions."""
    return service.values["template"][0]


@pytest.mark.parametrize("name", OF_ALL)
def test_each_service_has_its_size(made: Installation, name: str) -> None:
    service = made.services[name]
    limits = template(service)["containers"][0]["resources"][0]["limits"]
    assert (limits["cpu"], limits["memory"], service.timeout_sec, service.concurrency) == OF_ALL[name]
    scaling = template(service)["scaling"][0]
    assert (scaling["min_instance_count"], scaling["max_instance_count"]) == INSTANCES[made.environment][name]


@pytest.mark.parametrize("name", OF_ALL)
def test_an_instance_that_does_nothing_costs_no_cpu(made: Installation, name: str) -> None:
    assert template(made.services[name])["containers"][0]["resources"][0]["cpu_idle"] is True


def test_the_segmenter_alone_is_on_the_network(made: Installation) -> None:
    assert {name for name, service in made.services.items() if template(service)["vpc_access"]} == {"segmenter"}


def test_redis_refuses_rather_than_forgets_and_speaks_tls(made: Installation) -> None:
    (redis,) = made.of_type("google_redis_instance")
    assert redis.values["redis_configs"]["maxmemory-policy"] == "noeviction"
    assert redis.values["transit_encryption_mode"] == "SERVER_AUTHENTICATION"
    assert redis.values["auth_enabled"] is True
    assert redis.values["tier"] == ("BASIC" if made.environment == "dev" else "STANDARD_HA")


def test_what_is_deleted_is_gone(made: Installation) -> None:
    (bucket,) = made.of_type("google_storage_bucket")
    assert bucket.values["soft_delete_policy"][0]["retention_duration_seconds"] == 0
    (database,) = made.of_type("google_firestore_database")
    assert database.values["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_DISABLED"


def test_what_people_rely_on_is_not_deleted_by_mistake(made: Installation) -> None:
    kept = made.environment != "dev"
    assert {service.values["deletion_protection"] for service in made.services.values()} == {kept}
    (bucket,) = made.of_type("google_storage_bucket")
    assert bucket.values["force_destroy"] is not kept
    (database,) = made.of_type("google_firestore_database")
    assert database.values["delete_protection_state"] == (
        "DELETE_PROTECTION_ENABLED" if kept else "DELETE_PROTECTION_DISABLED"
    )


def test_who_is_on_call_is_told_but_not_of_dev(made: Installation) -> None:
    assert bool(made.of_type("google_monitoring_alert_policy")) == (made.environment != "dev")
    assert bool(made.of_type("google_monitoring_uptime_check_config")) == (made.environment != "dev")
