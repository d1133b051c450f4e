"""Gunicorn's configuration as gunicorn itself reads it."""

import subprocess
import sys

import pytest


def read(**environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf", "--print-config"]
    # Printing and leaving does not load the application.
    return subprocess.run([*command, "nowhere:app"], env=environ, capture_output=True, text=True, check=False)


def configuration(**environ: str) -> dict[str, str]:
    lines = [line.partition("=") for line in read(**environ).stdout.splitlines()]
    return {name.strip(): value.strip() for name, _, value in lines}


def test_without_any_setting_it_listens_on_this_machine_with_one_worker_of_eight_threads() -> None:
    told = configuration()
    assert told["bind"] == "['127.0.0.1:8080']"
    assert (told["worker_class"], told["workers"], told["threads"]) == ("common.slow_clients.PatientWorker", "1", "8")


def test_in_a_container_it_listens_to_the_outside_on_its_port() -> None:
    told = configuration(PORT="9000", API_HOST="127.0.0.1", API_PORT="1", WEB_CONCURRENCY="4", GUNICORN_THREADS="20")
    assert told["bind"] == "['0.0.0.0:9000']"
    assert (told["workers"], told["threads"]) == ("4", "20")


def test_an_address_may_be_as_long_as_gunicorn_allows() -> None:
    assert configuration()["limit_request_line"] == "8190"


def test_locally_it_listens_where_the_settings_say() -> None:
    assert configuration(API_HOST="192.0.2.1", API_PORT="8081")["bind"] == "['192.0.2.1:8081']"


def test_it_stops_within_cloud_runs_ten_seconds_and_outlasts_the_load_balancers_connections() -> None:
    told = configuration()
    assert told["timeout"] == "0"
    assert 0 < int(told["graceful_timeout"]) < 10
    assert int(told["keepalive"]) > 600


def test_nothing_is_loaded_before_the_fork_no_header_is_believed_and_no_socket_or_log_is_opened() -> None:
    told = configuration()
    assert told["preload_app"] == "False"
    assert (told["forwarded_allow_ips"], told["forwarder_headers"]) == ("[]", "[]")
    assert told["accesslog"] == "None"
    assert told.get("control_socket_disable", "True") == "True"  # earlier versions have none


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "web"), ("WEB_CONCURRENCY", "0"), ("GUNICORN_THREADS", "many"), ("API_PORT", "70000")]
)
def test_a_wrong_value_stops_it_with_the_variables_name(name: str, value: str) -> None:
    done = read(**{name: value})
    assert done.returncode == 78
    assert done.stderr.startswith(f"{name}: ")
    assert "Traceback" not in done.stderr
