"""The examples in docs/websocket.md are messages: the server takes and gives such, and the client reads them."""

import json
import re
from pathlib import Path

import msgspec

from ingest_service.intake.observations import observation
from ingest_service.websocket.messages import Ack, Ended, Observed, Ready, Refused, SpeakersObserved, client_message
from turnscribe.live_messages import server_message

SERVER_TYPES = {"ready", "ack", "observed", "ended", "problem"}
CLIENT_TYPES = {"chunk", "speakers", "end"}


def test_every_message_has_an_example_that_is_one(root: Path) -> None:
    examples = re.findall(r"```json\n(.*?)\n```", (root / "docs/websocket.md").read_text(), re.DOTALL)
    seen = set()
    for example in examples:
        kind = json.loads(example)["type"]
        seen.add(kind)
        if kind in SERVER_TYPES:
            given = msgspec.json.decode(example, type=Ready | Ack | Observed | Ended | Refused)
            assert json.loads(msgspec.json.encode(given)) == json.loads(example)
            assert type(server_message(example)).__name__ == type(given).__name__
        else:
            said = client_message(example.encode())
            if isinstance(said, SpeakersObserved):
                observation(said.body)
    assert seen == SERVER_TYPES | CLIENT_TYPES
