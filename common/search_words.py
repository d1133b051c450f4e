"""What is found by which query: words as search compares them, and queries. Pure; the stores that search agree through it.

Words are compared without case and accents. Scripts that put no spaces between words (Chinese, Japanese, Thai, Lao, Burmese, Khmer)
are compared character by character.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

MAX_WORDS: Final = 400
"""Words of a segment that can be found. At three words a second, a segment of the greatest length has less than half as many."""
MAX_WORD_LENGTH: Final = 40
"""What is longer is cut, in segments and in queries."""
MIN_PREFIX: Final = 3
"""A word of a query with fewer letters is found as a whole word only."""
MAX_PREFIX: Final = 8
"""Prefixes that are index terms have at most so many letters; of longer ones, what the index has is looked at."""
_PLAIN: Final = re.compile(r"[a-z0-9]+")
_QUERY: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


class Part(msgspec.Struct, frozen=True):
    """Words that must follow each other."""

    words: tuple[str, ...]
    open_end: bool
    """The last word may go on: what is found begins with it."""

    def found_in(self, words: Sequence[str]) -> bool:
        """Whether `words` have it."""
        size = len(self.words)
        *exact, last = self.words
        for at in range(len(words) - size + 1):
            end = words[at + size - 1]
            ends_well = end.startswith(last) if self.open_end else end == last
            if ends_well and list(words[at : at + size - 1]) == exact:
                return True
        return False


class SearchQuery(msgspec.Struct, frozen=True):
    """What a segment must have to be found: every part, in any order. Without parts nothing is found."""

    parts: tuple[Part, ...]

    def found_in(self, words: Sequence[str]) -> bool:
        """Whether `words` (see `words_in`) have every part."""
        return bool(self.parts) and all(part.found_in(words) for part in self.parts)

    def partly_in(self, words: Sequence[str]) -> bool:
        """Whether `words` have at least one part."""
        return any(part.found_in(words) for part in self.parts)

    @property
    def rarest_term(self) -> str:
        """The longest of the index terms that everything that is found has. See `index_terms`."""
        return max(self._terms(), key=len)

    def _terms(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.words[:-1]
            yield part.words[-1][:MAX_PREFIX] if part.open_end else part.words[-1]


def query_of(text: str) -> SearchQuery:
    """Words, and phrases in quotation marks. A word outside of them is found in longer words that begin with it, too."""
    parts = []
    for phrase, chunk in _QUERY.findall(text):
        words = tuple(words_in(phrase or chunk))
        if words:
            last = words[-1]
            open_end = bool(chunk) and len(last) >= MIN_PREFIX
            parts.append(Part(words, open_end))
    return SearchQuery(tuple(dict.fromkeys(parts)))


def words_in(text: str) -> list[str]:
    """The words of `text` as search compares them, MAX_WORDS at most."""
    if text.isascii():
        found: Iterable[str] = _PLAIN.findall(text.lower())
    else:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        found = "".join(map(_letter, folded)).split()
    return [word[:MAX_WORD_LENGTH] for word in found][:MAX_WORDS]


def index_terms(words: Iterable[str]) -> set[str]:
    """What an index without prefix search keeps of a segment: its words, and their beginnings."""
    terms: set[str] = set()
    for word in words:
        terms.add(word)
        terms.update(word[:length] for length in range(MIN_PREFIX, min(len(word), MAX_PREFIX + 1)))
    return terms


def _letter(character: str) -> str:
    """A character's part in a word: itself, nothing (an accent), or a space, which ends the word."""
    category = unicodedata.category(character)
    if category in {"Mn", "Me", "Cf"}:
        return ""
    if category[0] not in "LN" and category != "Mc":
        return " "
    return f" {character} " if _UNSPACED.match(character) else character
