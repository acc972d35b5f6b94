"""The word that somebody probably meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the known word closest to `word`; without one near, the list of all of them."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, 1) or difflib.get_close_matches(word.lower(), words, 1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(words)}"
