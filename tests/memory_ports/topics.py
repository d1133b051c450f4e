"""The topics."""

from common.events import Event, Message
from common.ports.publisher import Publisher
from tests.memory_ports.faults import Faults


class FakePublisher(Publisher):
    def __init__(self) -> None:
        self.published: list[Event] = []
        self.messages: list[tuple[str, Message]] = []
        self.faults = Faults()

    def publish(self, event: Event) -> None:
        self.faults.strike_before()
        self.published.append(event)
        self.faults.strike_after()

    def publish_message(self, topic: str, message: Message) -> None:
        self.faults.strike_before()
        self.messages.append((topic, message))
        self.faults.strike_after()

    def check(self) -> None:
        self.faults.strike_before()
