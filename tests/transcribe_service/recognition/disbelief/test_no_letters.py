from tests.transcribe_service.recognition.disbelief.answers import said, texts
from transcribe_service.recognition.disbelief.no_letters import no_letters


def test_dots_dashes_and_notes_are_no_words_and_anything_with_a_letter_or_digit_is() -> None:
    heard = said("... Well - 7 ♪♪ é, 你好。 -- नमस्ते! ?")
    assert texts(heard, no_letters(heard)) == "Well 7 é, 你好。 नमस्ते!"
