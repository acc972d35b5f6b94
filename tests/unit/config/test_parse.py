"""The text of a file: what is read, and what is refused before it does harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.config.parse import MAX_ALIASED, MAX_BYTES, MAX_DEPTH, parse


def test_reads_documents_and_leaves_empty_ones_out() -> None:
    parsed = parse("a.yaml", b"---\n# nothing\n---\na: 1\n---\nb: [x, yes]\n...\n")
    assert [document.data for document in parsed.documents] == [{"a": 1}, {"b": ["x", "yes"]}]
    assert parsed.faults == []
    assert parse("a.yaml", b"").documents == []


def test_takes_a_byte_order_mark_without_moving_columns() -> None:
    parsed = parse("a.yaml", "\ufeffa: 1\na: 2\n".encode())
    (fault,) = parsed.documents[0].faults
    assert (fault.place.line, fault.place.column) == (2, 1)


def test_says_where_a_byte_is_not_utf8() -> None:
    (fault,) = parse("a.yaml", "이름: 한글\nb: 설명 ".encode() + b"\xff\n").faults
    assert (fault.code, fault.place.line, fault.place.column) == ("CEP002", 2, 7)


def test_refuses_a_file_over_the_limit() -> None:
    assert parse("a.yaml", b"#" * MAX_BYTES).faults == []
    assert [fault.code for fault in parse("a.yaml", b"#" * (MAX_BYTES + 1)).faults] == ["CEP008"]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000, "? " * 50_000])
def test_depth_ends_in_a_finding_and_not_in_a_crash(text: str) -> None:
    assert [fault.code for fault in parse("a.yaml", text.encode()).faults] == ["CEP007"]


def test_takes_the_depth_that_it_names() -> None:
    assert parse("a.yaml", ("[" * MAX_DEPTH + "]" * MAX_DEPTH).encode()).faults == []
    deeper = "[" * (MAX_DEPTH + 3) + "]" * (MAX_DEPTH + 3)
    assert [fault.code for fault in parse("a.yaml", deeper.encode()).faults] == ["CEP007"]


def test_aliases_of_aliases_stay_within_their_budget() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (document,) = parse("a.yaml", "\n".join(lines).encode()).documents
    assert [fault.code for fault in document.faults] == ["CEP006"]
    assert len(json.dumps(document.data)) < 20 * MAX_ALIASED


def test_an_alias_is_the_value_of_its_anchor() -> None:
    (document,) = parse("a.yaml", b"a: &one {x: [1]}\nb: *one\nc: [*one, *one]\n").documents
    assert document.data == {"a": {"x": [1]}, "b": {"x": [1]}, "c": [{"x": [1]}, {"x": [1]}]}
    assert document.faults == []


def test_a_fault_does_not_hide_the_documents_before_it() -> None:
    parsed = parse("a.yaml", b"a: 1\n---\nb: [1\n")
    assert [document.data for document in parsed.documents] == [{"a": 1}]
    assert [fault.code for fault in parsed.faults] == ["CEP001"]


@pytest.mark.parametrize("text", ["a: \x07", "a: \x00", "a: \x1b[31m", "a: \x7f"])
def test_control_characters_are_refused_where_they_stand(text: str) -> None:
    (fault,) = parse("a.yaml", text.encode()).faults
    assert (fault.code, fault.place.line, fault.place.column) == ("CEP001", 1, 4)


def test_json_may_write_astral_characters_as_two_escapes() -> None:
    text = r'{"a": "\ud83d\ude00 \u00e9", "b": "\\ud83d\\ude00", "c": "\ue000 \ud83d\ude00", "d": "\\\ud83d\ude00"}'
    (document,) = parse("a.json", text.encode()).documents
    assert document.data == json.loads(text)


def test_a_lone_surrogate_is_refused() -> None:
    assert [fault.code for fault in parse("a.json", rb'{"a": "\ud83d"}').faults] == ["CEP001"]


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=12,
)


@given(document=_JSON, indent=st.sampled_from([None, 2, "\t"]))
def test_reads_any_json_as_json(document: object, indent: int | str | None) -> None:
    text = json.dumps({"document": document}, indent=indent)
    (read,) = parse("a.json", text.encode()).documents
    assert read.data == json.loads(text)
    assert read.faults == []


@pytest.mark.parametrize("odd", ["\x7f", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("escaped", [True, False])
def test_valid_json_with_characters_that_libyaml_reads_otherwise(odd: str, escaped: bool) -> None:
    data = {f"a{odd}b": f"c{odd}d {odd} 😀", odd: ["\uf800", 1]}
    parsed = parse("a.json", json.dumps(data, ensure_ascii=escaped).encode())
    assert parsed.faults == []
    assert [document.data for document in parsed.documents] == [data]


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
def test_what_yaml_1_2_does_not_call_a_line_end_is_none(odd: str) -> None:
    parsed = parse("a.yaml", f"a: 'x{odd}y' # {odd}\nb: z{odd}z\nc: .nan\n".encode())
    (document,) = parsed.documents
    assert document.data == {"a": f"x{odd}y", "b": f"z{odd}z", "c": None}
    assert [fault.place.line for fault in document.faults] == [3]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.json", '{"KEY": 1}'),
        ("a.json", '{"b": 2, "KEY" : 1}'),
        ("a.yaml", "KEY: 1\n"),
        ("a.yaml", "b: 1\nKEY: 1\n"),
        ("a.yaml", "{b: 2, KEY: 1}\n"),
    ],
)
def test_a_key_that_is_too_long_is_told_as_that(file: str, text: str) -> None:
    (fault,) = parse(file, text.replace("KEY", "k" * 1_100).encode()).faults
    assert "longer than 1,024" in fault.message
    assert "shorter" in fault.help
    assert parse(file, text.replace("KEY", "k" * 1_000).encode()).faults == []
