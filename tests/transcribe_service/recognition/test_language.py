import pytest

from common.ports.meeting_store import Meeting
from tests.transcribe_service.fakes import heard
from transcribe_service.recognition.language import clearly_heard, language_to_ask
from transcribe_service.whisper.client import WhisperResult


def meeting(language: str = "", detected: str = "") -> Meeting:
    return Meeting(tenant="default", meeting_id="m1", opened_at_ms=0, language=language, detected_language=detected)


@pytest.mark.parametrize(
    ("connection", "of_meeting", "installation", "detected", "asked"),
    [
        ("pt-BR", "de", "fr", "it", "pt"),
        ("", "German", "fr", "it", "de"),
        ("", "", "fr", "it", "fr"),
        ("", "", "", "it", "it"),
        ("", "", "", "", ""),
        ("xx-Latn", "", "", "", "xx"),
    ],
)
def test_the_narrower_counts_before_the_wider_and_people_before_whisper(
    connection: str, of_meeting: str, installation: str, detected: str, asked: str
) -> None:
    found = language_to_ask(of_connection=connection, meeting=meeting(of_meeting, detected), installation=installation)
    assert found == asked


def spoken(count: int, language: str) -> WhisperResult:
    return heard(*((f"w{i}", i * 0.3, i * 0.3 + 0.2) for i in range(count)), language=language)


def test_a_language_is_believed_where_there_are_words_enough() -> None:
    assert clearly_heard(spoken(8, "German")) == "de"
    assert clearly_heard(spoken(7, "de")) == ""
    assert clearly_heard(spoken(8, "")) == ""
    assert clearly_heard(spoken(8, "gibberish")) == ""


def test_words_that_whisper_is_unsure_of_say_no_language() -> None:
    unsure = WhisperResult(
        text="",
        language="de",
        words=tuple(each.__class__(each.text, each.start_s, each.end_s, 0.5) for each in spoken(9, "de").words),
    )
    assert clearly_heard(unsure) == ""
