import pytest

from transcribe_service.whisper.language_codes import CODES, code_of


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("en", "en"),
        ("English", "en"),
        ("pt-BR", "pt"),
        ("PORTUGUESE", "pt"),
        ("yue", "yue"),
        ("haitian creole", "ht"),
        (" german ", "de"),
        ("", ""),
        ("klingon", ""),
        ("xx", ""),
    ],
)
def test_names_tags_and_codes_become_codes(given: str, code: str) -> None:
    assert code_of(given) == code


def test_there_are_whispers_hundred() -> None:
    assert len(CODES) == len(set(CODES.values())) == 100
