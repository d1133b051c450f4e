"""The ports in memory, for unit tests of any service. They can be told to fail: each fault is raised once, at the next call.

What the real adapters do is shown by the contract suites; these only have to be simple and strict.
"""

from tests.memory_ports.bucket import FakeBlobs, Held
from tests.memory_ports.deliveries import FakeDeliveries
from tests.memory_ports.faults import Faults
from tests.memory_ports.meetings import FakeMeetings
from tests.memory_ports.streams import FakeStreams
from tests.memory_ports.tokens import FakeTokens
from tests.memory_ports.topics import FakePublisher
from tests.memory_ports.transcripts import FakeTranscripts
from tests.memory_ports.webhooks import FakeWebhooks
from tests.memory_ports.works import FakeWorks

__all__ = [
    "FakeBlobs",
    "FakeDeliveries",
    "FakeMeetings",
    "FakePublisher",
    "FakeStreams",
    "FakeTokens",
    "FakeTranscripts",
    "FakeWebhooks",
    "FakeWorks",
    "Faults",
    "Held",
]
