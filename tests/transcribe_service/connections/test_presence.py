from tests.transcribe_service.connections.several_connections import SAID_NOTHING, connection, heard_segment
from tests.transcribe_service.spoken import EPOCH_MS, segment
from transcribe_service.connections.presence import connections, present
from transcribe_service.reading.transcript import transcript


def test_who_is_present_was_connected_at_that_time() -> None:
    streams = [
        connection("c1", opened=0, closed=(0, 5000), user="ada"),
        connection("c2", opened=1, closed=(4000, 9000), user="bo"),
        connection("c3", opened=2, participant="Cai"),
        connection("c4", opened=3),
    ]
    connected = connections(streams, [heard_segment("c3", 6000, 8000, SAID_NOTHING, begins=6000)])
    assert present(connected, EPOCH_MS, EPOCH_MS + 3000) == ("ada",)
    assert present(connected, EPOCH_MS + 3000, EPOCH_MS + 4000) == ("ada", "bo")
    assert present(connected, EPOCH_MS + 5001, EPOCH_MS + 5999) == ("bo",)
    assert present(connected, EPOCH_MS + 60_000, EPOCH_MS + 61_000) == ("Cai",), "an open connection is there still"


def test_a_user_with_two_connections_is_one_user() -> None:
    streams = [connection("c1", opened=0, user="ada"), connection("c2", opened=1, user="ada", participant="Ada")]
    assert present(connections(streams, []), EPOCH_MS, EPOCH_MS + 9000) == ("ada",)


def test_each_utterance_lists_them() -> None:
    streams = [
        connection("c1", opened=0, user="ada"),
        connection("c2", opened=1, closed=(4000, 9000), mode="per_participant", user="bo"),
    ]
    spoken = segment(("Hi", 0, 300, None), ("there.", 8000, 8300, "Ada"))
    found = transcript("m1", streams, [spoken])
    assert [(each.text, each.present) for each in found.utterances] == [("Hi", ("ada",)), ("there.", ("ada", "bo"))]
