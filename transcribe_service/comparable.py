"""Words as they are compared with one another: letters, marks and digits, without case. Pure."""

import unicodedata


def comparable(text: str) -> str:
    """`text` without case, punctuation and blanks; empty where nothing else is in it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LMN")
