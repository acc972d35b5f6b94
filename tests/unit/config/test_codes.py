"""Each code shows a file that has it and one that has not; a code in the sources is a code of the table."""

import re
from pathlib import Path

import pytest

from cepd.config.codes import CODES
from tests.support.trees import codes, loaded

NEEDS_BYTES = {"CEP002", "CEP008", "CEP010", "CEP011"}
"""A text cannot be an example of these."""
IN_SETTINGS = {"CEP128", "CEP131"}
PACKAGE = Path(__file__).parents[3] / "cepd"


@pytest.mark.parametrize("code", sorted(CODES.keys() - NEEDS_BYTES))
def test_the_bad_example_has_it_and_the_good_one_has_no_finding_at_all(code: str) -> None:
    file = "cepd" if code in IN_SETTINGS else "pack"
    assert code in codes(loaded(**{file: CODES[code].bad}))
    good = [found for found in codes(loaded(**{file: CODES[code].good})) if found not in ("CEP301", "CEP302")]
    assert good == []


def test_every_code_in_the_sources_is_in_the_table() -> None:
    used = {code for path in PACKAGE.rglob("*.py") for code in re.findall(r'"(CEP\d{3})"', path.read_text())}
    assert used == CODES.keys()


def test_a_code_says_what_it_means_in_whole_sentences() -> None:
    for code in CODES.values():
        assert code.explanation.endswith((".", "…")), code.code
        assert not code.title.endswith("."), code.code
        assert re.fullmatch(r"CEP[0-4]\d\d", code.code)
