"""Events that only cepd may send: refused from others in every spelling, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.intake.body import Rejected, read_body
from cepd.intake.own import REASON, without_own

TYPES = ["cepd.alert", "cepd.", "cepd", "CEPD.alert", "x", "xcepd.alert", "", None, 5, ["cepd.alert"]]


def escaped(text: str, places: int) -> str:
    """A JSON text in which the characters at these places (bits) are escapes."""
    return '"' + "".join(f"\\u{ord(one):04x}" if places >> at & 1 else one for at, one in enumerate(text)) + '"'


def spelled(value: object, places: int) -> str:
    return escaped(value, places) if isinstance(value, str) else json.dumps(value)


def is_own(type_: object, event_type: object) -> bool:
    """As the engine reads the type: `type` where it is text, else `event_type`."""
    read = type_ if isinstance(type_, str) else event_type
    return isinstance(read, str) and read.startswith("cepd.")


lines = st.lists(
    st.tuples(st.sampled_from(TYPES), st.sampled_from(TYPES), st.integers(0, 2047), st.booleans()),
    min_size=1,
    max_size=8,
)


@given(lines)
def test_what_says_it_is_cepds_own_is_rejected_and_the_rest_stays(
    events: list[tuple[object, object, int, bool]],
) -> None:
    texts, own = [], []
    for type_, event_type, places, says in events:
        members = [f'"type": {spelled(type_, places)}', f'"event_type": {spelled(event_type, places)}']
        texts.append(f'{{"id": "cepd.1", {", ".join(members) if says else members[1]}}}')
        own.append(is_own(type_ if says else None, event_type))
    parsed = read_body("\n".join(texts).encode())
    part = without_own(parsed)
    assert [one.decode() for one in part.data] == [text for text, forged in zip(texts, own, strict=True) if not forged]
    assert part.body == b"\n".join(part.data)
    assert len(part.given) == len(part.data) == len(part.numbers)
    assert part.rejected == [Rejected(number, REASON) for number, forged in enumerate(own, 1) if forged]


def test_a_part_without_them_is_not_touched() -> None:
    parsed = read_body(b'{"type": "host.cpu", "text": "\\u00e9"}\n{"type": "x"}')
    assert without_own(parsed) is parsed


@pytest.mark.parametrize("text", ['{"type": "cepd.alert"}', '{"event_type":"cepd.x","type":1e999}'])
def test_lines_that_were_rejected_before_keep_their_place(text: str) -> None:
    parsed = read_body(f"nonsense\n{text}\n{{}}\nmore\n".encode())
    part = without_own(parsed)
    assert [one.line for one in part.rejected] == [1, 2, 4]
    assert part.data == [b"{}"]
