"""What a text must hold for an RE2 pattern to match it, so that a search (1.6 us) is seldom made.

The reading of patterns is on the safe side: where anything is unusual (flags, quotes, properties), nothing is
required, and the pattern is searched for in every text. An RE2 Set would search for all patterns at once, but answers
"no match" where its automaton runs out of memory (google/re2 issue 136), and a rule must not be missed.
"""

import re

from cepd.engine.operators import alternatives
from cepd.model.condition import Literally, Test

SHORTEST = 2
"""A single character is in nearly every text."""

_ATOM = re.compile(
    r"""
    (?P<repeat> \{\d+(?:,\d*)?\} | [*?] )         # what is before it may be missing
  | (?P<more> \+ )
  | (?P<open> \( (?: \?: | \?P?<\w+> | (?!\?) ) )
  | (?P<close> \) )
  | (?P<either> \| )
  | (?P<gap> [.^$] | \\[dDsSwWbBAz] | \[ \^? (?: [^\\\[\]] | \\[!-/:-@[-`{-~dDsSwWnrt] )* \] )
  | \\ (?P<escaped> [!-/:-@[-`{-~] )
  | (?P<plain> [^\\[\](){}|*+?.^$] )
    """,
    re.VERBOSE | re.DOTALL,
)
_CHARACTER = ("plain", "escaped")


def required_texts(test: Test) -> tuple[str, ...] | None:
    """Texts one of which a text must hold for the `matches` test to hold; None where none could be made out."""
    if test.ignore_case or not isinstance(test.right, Literally):
        return None
    found = [required_text(pattern) for pattern in alternatives(test.right)]
    known = [text for text in found if text is not None]
    return tuple(dict.fromkeys(known)) if len(known) == len(found) else None


def required_text(pattern: str) -> str | None:
    """The longest text that stands in every match of the pattern; None where none could be made out."""
    runs = _runs(pattern)
    longest = max(runs, key=len, default="") if runs is not None else ""
    return longest if len(longest) >= SHORTEST else None


def _runs(pattern: str) -> list[str] | None:
    """The texts outside groups that follow one another in every match, with gaps between; None where the pattern is
    unusual, or a choice between several."""
    runs, run, place, depth = [], "", 0, 0
    while place < len(pattern):
        found = _ATOM.match(pattern, place)
        if found is None or (found.lastgroup == "either" and not depth):
            return None
        place, kind = found.end(), found.lastgroup
        if kind in _CHARACTER:
            run += "" if depth else found[kind]
            continue
        runs.append(run[:-1] if kind == "repeat" else run)
        run, depth = "", depth + (kind == "open") - (kind == "close")
    return [*runs, run]
