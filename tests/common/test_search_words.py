import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.search_words import MAX_WORD_LENGTH, MAX_WORDS, Part, SearchQuery, index_terms, query_of, words_in

spoken = st.lists(
    st.sampled_from(["budget", "budgets", "a", "会議", "Ärger", "it's", "straße"]) | st.text(max_size=12), max_size=8
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Budget, 2025!", ["the", "budget", "2025"]),
        ("Straße ÄRGER Łódź", ["strasse", "arger", "łodz"]),
        ("don't e-mail", ["don", "t", "e", "mail"]),
        ("会議をKubernetesで", ["会", "議", "を", "kubernetes", "て"]),
        ("สวัสดี", ["ส", "ว", "ส", "ด"]),
        ("हिन्दी", ["हिन्दी".replace("\u094d", "").replace("\u093f", "ि")]),
        ("Привет, мир", ["привет", "мир"]),
        ("ﬁne ①", ["fine", "1"]),
        ("", []),
        ("-->", []),
        ("so\u00adft", ["soft"]),
    ],
)
def test_words_are_compared_without_case_and_accents(text: str, words: list[str]) -> None:
    assert words_in(text) == words


def test_what_is_too_long_is_cut() -> None:
    assert words_in("x" * 100) == ["x" * MAX_WORD_LENGTH]
    assert len(words_in("word " * 1000)) == MAX_WORDS


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("budget", [Part(("budget",), True)]),
        ("an EU budget", [Part(("an",), False), Part(("eu",), False), Part(("budget",), True)]),
        ('"the budget" meeting', [Part(("the", "budget"), False), Part(("meeting",), True)]),
        ('"never closed', [Part(("never", "closed"), False)]),
        ("don't", [Part(("don", "t"), False)]),
        ("会議", [Part(("会", "議"), False)]),
        ("twice twice", [Part(("twice",), True)]),
        ('a"b"c', [Part(("a",), False), Part(("b",), False), Part(("c",), False)]),
        ('"" - *', []),
    ],
)
def test_queries_are_words_and_phrases(text: str, parts: list[Part]) -> None:
    assert query_of(text) == SearchQuery(tuple(parts))


@given(spoken)
def test_every_part_of_what_was_said_finds_it(said: list[str]) -> None:
    words = words_in(" ".join(said))
    for first in range(len(words)):
        for last in range(first + 1, len(words) + 1):
            assert SearchQuery((Part(tuple(words[first:last]), False),)).found_in(words)
    assert SearchQuery(()).found_in(words) is False


@given(spoken, st.text(max_size=30) | spoken.map(" ".join))
def test_whatever_is_found_has_the_term_that_an_index_is_asked_for(said: list[str], text: str) -> None:
    words, query = words_in(" ".join(said)), query_of(text)
    if query.found_in(words):
        assert query.rarest_term in index_terms(words)
        assert query.partly_in(words)


@given(st.lists(st.text(max_size=20), max_size=30))
def test_an_index_has_a_bounded_number_of_terms_without_any_joint(said: list[str]) -> None:
    words = words_in(" ".join(said))
    terms = index_terms(words)
    assert len(terms) <= 7 * len(words)
    assert not any("/" in term or " " in term for term in terms)
