"""The word that somebody probably meant."""

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word of the same letters, or else the one closest to `word`; None where none is near."""
    words = sorted(known)
    letters = sorted(word)
    same = [other for other in words if sorted(other) == letters]
    near = same or difflib.get_close_matches(word, words, 1) or difflib.get_close_matches(word.lower(), words, 1)
    return near[0] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the known word closest to `word`; without one near, the list of all of them."""
    words = sorted(known)
    near = closest(word, words)
    return f"did you mean {near!r}?" if near is not None else f"known are {', '.join(words)}"
