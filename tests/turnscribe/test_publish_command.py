"""`turnscribe publish`: what it prints and how it ends; over a topic in memory, and once over Pub/Sub's emulator."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from google.cloud import pubsub_v1

from local_cloud.emulators import PROJECT, Emulators
from local_cloud.pubsub_bootstrap import create_topics
from tests.turnscribe.test_publish import OGG, FakePublication, FakeTopic
from turnscribe.cli import main
from turnscribe.commands import publish

TOPIC = "projects/p/topics/audio-uploads"


class OpenedTopic(FakeTopic):
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def publish(self, data: bytes, attributes: Mapping[str, str]) -> FakePublication:
        if attributes.get("uri") == "gs://calls/bad":
            self.fail_at = len(self.messages)
        return super().publish(data, attributes)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> OpenedTopic:
    opened = OpenedTopic()
    monkeypatch.setattr(publish, "PubSubTopic", lambda _name, **_options: opened)
    return opened


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(["publish", "--topic", TOPIC, *map(str, arguments)])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.ogg"
    path.write_bytes(OGG)
    return path


def test_files_and_objects_are_published(topic: OpenedTopic, talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(talk, "--uri", "gs://calls/a.ogg", "--meeting", "m", "--language", "de", "--tenant", "acme", "--json") == 0
    )
    shown = json.loads(capsys.readouterr().out)
    assert [(each["status"], each["meeting_id"]) for each in shown["published"]] == [("published", "m")] * 2
    chunk, reference = topic.messages
    assert chunk.data == OGG
    assert chunk.attributes["connection_id"] == shown["published"][0]["connection_id"]
    assert chunk.attributes["last"] == "true"
    expected = {"uri": "gs://calls/a.ogg", "meeting_id": "m", "language": "de", "tenant": "acme"}
    assert reference.attributes == expected


def test_what_fails_holds_up_nothing_else(
    topic: OpenedTopic, talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uris = ["--uri", "gs://calls/bad", "--uri", "gs://calls/good"]
    assert run(tmp_path / "missing.ogg", talk, *uris, "--json") == 1
    shown = json.loads(capsys.readouterr().out)["published"]
    assert [each["status"] for each in shown] == ["failed", "published", "failed", "published"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a FILE or a --uri"),
        (["-"], "needs --live"),
        (["a.ogg", "--live", "--meeting", "m"], "--live publishes standard input"),
        (["-", "--live"], "--live needs --meeting"),
        (["a.ogg", "--chunk-ms", "500"], "need --live"),
        (["a.ogg", "--connection", "c"], "need --live"),
        (["a.ogg", "--channel-speakers", "A"], "needs --channels separate"),
    ],
)
def test_bad_usage_is_told(
    topic: OpenedTopic, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
    assert topic.messages == []


def pulled(emulators: Emulators, subscription: str, count: int) -> list[Any]:
    found: list[Any] = []
    with pubsub_v1.SubscriberClient() as client:
        while len(found) < count:
            answer = client.pull(subscription=subscription, max_messages=100, timeout=30)
            client.acknowledge(subscription=subscription, ack_ids=[each.ack_id for each in answer.received_messages])
            found += [each.message for each in answer.received_messages]
    return found


@pytest.mark.component("emulators")
def test_a_file_and_a_pipe_over_the_emulator(empty_emulators: Emulators, talk: Path) -> None:
    create_topics(PROJECT, "", ["audio-uploads"])
    topic = f"projects/{PROJECT}/topics/audio-uploads"
    subscription = f"projects/{PROJECT}/subscriptions/pulled"
    with pubsub_v1.SubscriberClient() as client:
        client.create_subscription(name=subscription, topic=topic)
    talk.write_bytes(OGG * 1_000)
    command = [sys.executable, "-m", "turnscribe", "publish", "--topic", topic, "--meeting", "m", "--json"]
    done = subprocess.run([*command, str(talk)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    connection_id = json.loads(done.stdout)["published"][0]["connection_id"]
    chunks = sorted(pulled(empty_emulators, subscription, 3), key=lambda each: int(each.attributes["seq"]))
    assert b"".join(each.data for each in chunks) == talk.read_bytes()
    assert {each.attributes["connection_id"] for each in chunks} == {connection_id}
    live = subprocess.run([*command, "--live", "--connection", "c"], input=OGG, capture_output=True, check=False)
    assert live.returncode == 0, live.stderr
    messages = pulled(empty_emulators, subscription, 2)
    assert {each.attributes["connection_id"] for each in messages} == {"c"}
    assert b"".join(each.data for each in messages if "seq" in each.attributes) == OGG
    assert [json.loads(each.data) for each in messages if each.attributes.get("kind") == "end"] == [{"last_seq": 0}]


@pytest.mark.component("emulators")
def test_a_topic_that_is_not_there_is_told(empty_emulators: Emulators, talk: Path) -> None:
    command = [sys.executable, "-m", "turnscribe", "publish", "--topic", f"projects/{PROJECT}/topics/nowhere"]
    done = subprocess.run([*command, str(talk)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Topic not found" in done.stderr
