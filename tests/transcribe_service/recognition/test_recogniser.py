import msgspec
import pytest

from common.errors import Backpressure, Retryable
from common.events import SegmentReady, StreamOptions
from common.ports.meeting_store import Meeting
from common.ports.transcript_store import Word
from tests.transcribe_service.fakes import World, heard, segment_ready, settings
from transcribe_service.recognition.known_meetings import KEPT, KEPT_S, KnownMeetings
from transcribe_service.recognition.recogniser import Recognised, Recogniser
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.places import WhisperPlaces

CLEAR = heard(*((f"w{i}", i * 0.3, i * 0.3 + 0.2) for i in range(9)), language="german")


def with_settings(**changes: object) -> TranscribeSettings:
    return msgspec.structs.replace(settings(), **changes)


def recogniser_in(world: World, configured: TranscribeSettings | None = None, places: int = 2) -> Recogniser:
    return Recogniser(
        configured or settings(),
        world.whisper,
        WhisperPlaces(places),
        KnownMeetings(world.meetings, world.clock),
        world.clock,
    )


@pytest.fixture
def world() -> World:
    made = World()
    made.meetings.open("default", "m1", 1000)
    return made


def say(world: World, **fields: object) -> None:
    world.meetings.change("default", "m1", lambda meeting: msgspec.structs.replace(meeting, **fields))


def meeting(world: World) -> Meeting:
    found = world.meetings.get("default", "m1")
    assert found is not None
    return found


def asked(world: World) -> list[str]:
    return [language for _, language in world.whisper.asked]


def test_the_meetings_vocabulary_and_the_connections_prompt_and_model_are_sent(world: World) -> None:
    say(world, vocabulary=("Ada", "Łódź"))
    event = msgspec.structs.replace(segment_ready(options=StreamOptions(prompt="A stand-up.")), model="large-v3")
    recogniser_in(world).recognise(event, b"a")
    assert world.whisper.prompts == ["A stand-up. Glossary: Ada, Łódź."]
    assert world.whisper.models == ["large-v3"]


def test_what_was_heard_before_is_not_carried_over_unless_wanted(world: World) -> None:
    first, second = segment_ready(), segment_ready(start_ms=13_200, end_ms=20_000)
    said = (Word("nearly", 4000, 4400, 0.9), Word("there", 4400, 4800, 0.9))
    for carry, prompt in ((False, ""), (True, "nearly there")):
        recogniser = recogniser_in(world, with_settings(whisper_carry_text=carry))
        recogniser.said(first, said)
        recogniser.recognise(second, b"a")
        assert world.whisper.prompts[-1] == prompt


@pytest.mark.parametrize(
    "other", [segment_ready(start_ms=60_000, end_ms=61_000), segment_ready(channel=1, start_ms=13_200)]
)
def test_nothing_is_carried_over_a_long_pause_or_to_another_lane(world: World, other: SegmentReady) -> None:
    recogniser = recogniser_in(world, with_settings(whisper_carry_text=True))
    recogniser.said(segment_ready(), (Word("nearly", 4000, 4400, 0.9),))
    recogniser.recognise(other, b"a")
    assert world.whisper.prompts == [""]


def test_a_language_is_detected_once_for_the_meeting(world: World) -> None:
    world.whisper.result = CLEAR
    recogniser = recogniser_in(world)
    answers = [recogniser.recognise(segment_ready(), b"a") for _ in range(2)]
    assert asked(world) == ["", "de"]
    assert meeting(world).detected_language == "de"
    assert answers == [Recognised(CLEAR, "german")] * 2


def test_a_provisional_revision_a_few_words_and_a_language_that_was_named_decide_nothing(world: World) -> None:
    recogniser = recogniser_in(world)
    recogniser.recognise(segment_ready(), b"a")  # two words
    world.whisper.result = CLEAR
    recogniser.recognise(segment_ready(final=False), b"a")
    recogniser.recognise(segment_ready(options=StreamOptions(language="fr")), b"a")
    assert asked(world) == ["", "", "fr"]
    assert meeting(world).detected_language == ""


def test_it_is_detected_for_each_segment_where_people_change_languages(world: World) -> None:
    world.whisper.result = CLEAR
    say(world, detected_language="it")
    recogniser = recogniser_in(world, with_settings(whisper_detect_language="segment"))
    recogniser.recognise(segment_ready(), b"a")
    assert asked(world) == [""]
    assert meeting(world).detected_language == "it"


def test_of_two_that_detect_at_once_the_first_decides(world: World) -> None:
    known = KnownMeetings(world.meetings, world.clock)
    known.heard_language("default", "m1", "de")
    known.heard_language("default", "m1", "fr")
    assert meeting(world).detected_language == "de"
    assert known.get("default", "m1").detected_language == "de"


def test_a_language_that_cannot_be_remembered_costs_no_words(world: World) -> None:
    world.whisper.result = CLEAR
    recogniser = recogniser_in(world)
    recogniser.meetings.get("default", "m1")
    world.meetings.faults.before = [Retryable("down", reason="store_down")]
    assert recogniser.recognise(segment_ready(), b"a").result == CLEAR


def test_a_final_segment_waits_for_a_place_and_finds_none(world: World) -> None:
    recogniser = recogniser_in(world, places=1)
    with recogniser.places.taken(wait_s=0), pytest.raises(Backpressure):
        recogniser.recognise(segment_ready(), b"a")


def test_a_meeting_is_asked_for_once_in_a_while(world: World) -> None:
    known = KnownMeetings(world.meetings, world.clock)
    known.get("default", "m1")
    say(world, title="new")
    assert known.get("default", "m1").title == ""
    world.clock.sleep(KEPT_S)
    assert known.get("default", "m1").title == "new"


def test_a_meeting_that_is_not_there_yet_is_not_taken_for_absent_later(world: World) -> None:
    known = KnownMeetings(world.meetings, world.clock)
    assert known.get("default", "m2") == Meeting(tenant="default", meeting_id="m2", opened_at_ms=0)
    world.meetings.open("default", "m2", 5)
    assert known.get("default", "m2").opened_at_ms == 5


def test_no_more_meetings_are_kept_than_fit(world: World) -> None:
    known = KnownMeetings(world.meetings, world.clock)
    for number in range(KEPT + 1):
        world.meetings.open("default", f"n{number}", number)
        known.get("default", f"n{number}")
    world.meetings.delete("default", "n0")
    world.meetings.delete("default", f"n{KEPT}")
    assert known.get("default", "n0").opened_at_ms == 0
    assert known.get("default", f"n{KEPT}").opened_at_ms == KEPT
