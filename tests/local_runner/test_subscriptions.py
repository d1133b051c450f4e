from common.topology import topology
from local_runner.settings import load_runner_settings
from local_runner.subscriptions import subscriptions


def test_the_embedded_queue_has_the_topology_that_the_cloud_has() -> None:
    settings = load_runner_settings({"API_PORT": "8123", "PROCESSING_THREADS": "3"}, token=lambda: "t")
    made = {each.name: each for each in subscriptions(settings)}
    assert made.keys() == topology().subscriptions.keys()
    for name, wanted in topology().subscriptions.items():
        assert made[name].topic == wanted.topic
        assert made[name].dead_letter_topic == (wanted.dead_letter_topic or "")
        assert made[name].endpoint == f"http://127.0.0.1:8123/internal/{wanted.service}{wanted.path}"
    assert made["transcribe"].max_in_flight > settings.transcribe.processing_threads


def test_transcribe_waits_as_long_as_it_is_told_and_has_work_ahead_of_its_threads() -> None:
    settings = load_runner_settings({"PROCESSING_THREADS": "5", "PUSH_ACK_DEADLINE_SEC": "420"}, token=lambda: "t")
    made = {each.name: each for each in subscriptions(settings)}
    assert (made["segmenter"].max_in_flight, made["transcribe"].max_in_flight) == (4, 7)
    assert made["deliveries"].max_in_flight > settings.transcribe.delivery_threads
    assert made["transcribe"].ack_deadline_s == made["transcribe-dead-letters"].ack_deadline_s == 420
    assert made["segmenter"].ack_deadline_s == made["segmenter-dead-letters"].ack_deadline_s == 300


def test_nothing_is_given_up_within_an_outage_of_hours() -> None:
    for each in subscriptions(load_runner_settings({}, token=lambda: "t")):
        assert each.max_attempts * each.max_backoff_s * 0.5 > 4 * 3600, each.name
