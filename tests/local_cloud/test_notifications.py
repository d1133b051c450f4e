"""The stack's GCS server tells of files in the drop box as Cloud Storage does."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from google.cloud import storage

from common.topology import PushSubscription
from ingest_service.pubsub.dropbox import TOPIC, Dropped, dropped_object
from ingest_service.pubsub.trust import UploadTrust
from local_cloud.emulators import PROJECT, Emulators
from local_cloud.pubsub_bootstrap import create_subscription, create_topics
from tests.push_receiver import PushReceiver

pytestmark = pytest.mark.component("emulators")


@pytest.fixture
def receiver() -> Iterator[PushReceiver]:
    with PushReceiver() as listening:
        yield listening


def test_what_is_dropped_is_told_of_and_nothing_else(
    empty_emulators: Emulators, bucket: str, receiver: PushReceiver
) -> None:
    with closing(storage.Client(project=PROJECT)) as client:
        objects = client.bucket(bucket)
        create_topics(PROJECT, "", [TOPIC])
        spec = PushSubscription(TOPIC, "any", "/push/dropbox", 10, 1, 1)
        create_subscription(PROJECT, "", "of-dropbox", spec, receiver.url("/push/dropbox"))
        objects.blob("raw/x").upload_from_string(b"x")
        objects.blob("dropbox/a.ogg").upload_from_string(b"OggS")
        objects.blob("dropbox/acme/Café.ogg").upload_from_string(b"OggS")
        received = receiver.wait_for(2, "/push/dropbox")
        generations = {blob.name: str(blob.generation) for blob in client.list_blobs(bucket, prefix="dropbox/")}
    trust = UploadTrust(frozenset(), frozenset(), bucket, "dropbox")
    told = {dropped_object(each.pushed.message.attributes, trust) for each in received}
    assert told == {Dropped(name, f"gs://{bucket}/{name}", generation) for name, generation in generations.items()}
    assert len(told) == 2
