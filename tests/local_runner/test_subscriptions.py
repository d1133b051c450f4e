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
