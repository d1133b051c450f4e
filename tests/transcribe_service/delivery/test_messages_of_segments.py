"""What receivers are told of a segment: each version once, the newest, as readers get it, and nothing that they may not see."""

from msgspec.structs import replace

from tests.transcribe_service.delivery.orders_of_tests import NOW_MS, Post, ids, segment, sweep, verified, webhook
from tests.transcribe_service.fakes import World
from transcribe_service.delivery.schedule import LIVE_MS


def test_a_final_segment_is_sent_signed_as_readers_get_it(post: Post, world: World) -> None:
    world.meetings.change("default", "m1", lambda each: replace(each, speaker_names={"Ada": "Ada L."}))
    post.handle(post.store(segment()))
    post.run()
    message = verified(post)
    assert message["type"] == "transcript.segment"
    assert message["timestamp"] == "2023-11-14T22:13:20.000Z"
    data = message["data"]
    assert (data["meeting_id"], data["segment_id"], data["final"], data["revision"]) == ("m1", "c1:0:500", True, 3)
    assert (data["start_ms"], data["end_ms"], data["epoch_ms"]) == (500, 1500, NOW_MS)
    (said,) = data["utterances"]
    assert (said["text"], said["speaker"], said["speaker_key"]) == ("hello you", "Ada L.", "Ada")
    assert post.poster.sent[0][0] == "https://wh_1.test/hook"
    assert post.stored().outcome == "delivered"


def test_the_same_update_is_sent_once_however_often_it_comes(post: Post) -> None:
    update = post.store(segment())
    for _ in range(3):
        post.handle(update)
    post.run()
    post.handle(update)
    post.run()
    post.begin()  # another process
    post.handle(update)
    sweep(post)
    assert len(post.poster.sent) == 1


def test_live_revisions_go_to_those_that_ask_for_them(post: Post, world: World) -> None:
    world.webhooks.create(webhook("live", provisional=True))
    for revision in (0, 1):
        post.handle(post.store(segment(revision=revision, final=False)))
        post.run()
    post.handle(post.store(segment()))
    post.run()
    assert sorted(post.hosts) == ["live", "live", "live", "wh_1"]
    assert len(set(ids(post))) == 3, "one id for each version, whoever gets it"


def test_what_is_newer_by_the_time_that_it_is_sent_is_sent_alone(post: Post) -> None:
    for labels in (0, 1):
        post.handle(post.store(segment(labels=labels)))
    post.run()
    assert [verified(post)["data"]["labels"] for _ in post.poster.sent] == [1]


def test_new_speakers_are_a_message_of_their_own(post: Post) -> None:
    for labels in (0, 1):
        post.handle(post.store(segment(labels=labels)))
        post.run()
    assert [verified(post, number)["data"]["labels"] for number in (0, 1)] == [0, 1]
    assert len(set(ids(post))) == 2


def test_live_revisions_are_not_sent_late(post: Post, world: World) -> None:
    world.webhooks.create(webhook("live", provisional=True))
    post.handle(post.store(segment(final=False)))
    world.clock.advance(LIVE_MS / 1000 + 1)
    post.run()
    assert post.poster.sent == []
    assert post.stored("live").reason == "too_late"


def test_what_was_deleted_is_told_nobody(post: Post, world: World) -> None:
    post.handle(post.store(segment()))
    world.transcripts.delete_meeting("default", "m1")
    post.run()
    assert (post.poster.sent, post.stored().reason) == ([], "gone")


def test_another_transcription_is_told_once_it_is_the_shown_one(post: Post, world: World) -> None:
    world.transcripts.put(segment(meeting_id="m1~2"))
    update = replace(post.store(segment()), take="2")
    post.handle(update)
    post.run()
    assert post.poster.sent == []
    world.meetings.change("default", "m1", lambda each: replace(each, take="2"))
    post.handle(update)
    post.run()
    assert len(post.poster.sent) == 1


def test_a_tenant_s_transcripts_are_told_to_its_own_receivers(post: Post, world: World) -> None:
    world.webhooks.create(webhook("theirs", tenant="other"))
    post.handle(post.store(segment()))
    post.run()
    assert post.hosts == ["wh_1"]
