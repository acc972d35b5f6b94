import hashlib
import json

import pytest

from cepd.engine.keys import NO_KEY, compile_key, key_text, key_values


def text_of(value: object) -> str:
    key = compile_key(["a"])({"a": value})
    assert key is not None
    return key


def test_a_key_is_the_json_array_of_its_values() -> None:
    key = compile_key(["host", "net.zone", "gone"])({"host": "ü", "net": {"zone": 3}, "other": 1})
    assert key is not None
    assert key == '["ü",3,null]'
    assert key_values(["host", "net.zone", "gone"], key) == {"host": "ü", "net.zone": 3, "gone": None}


def test_without_group_by_there_is_one_key() -> None:
    assert compile_key([])({"a": [1]}) == NO_KEY
    assert NO_KEY == "[]"
    assert key_values([], NO_KEY) == {}


def test_an_integral_float_is_the_int() -> None:
    assert text_of(3.0) == text_of(3) == "[3]"
    assert text_of(-0.0) == text_of(0) == "[0]"
    assert text_of(2.0**70) == text_of(2**70)
    assert text_of(3.5) == "[3.5]"


def test_values_of_other_classes_are_other_keys() -> None:
    texts = [text_of(value) for value in (1, True, "1", None, "true", False, 0, "", "null")]
    assert len(set(texts)) == len(texts)


def test_null_and_missing_are_one_key() -> None:
    assert compile_key(["a"])({}) == compile_key(["a"])({"a": None})


@pytest.mark.parametrize("value", [[], {}, ["x"], {"b": 1}])
def test_objects_and_lists_are_no_key(value: object) -> None:
    assert compile_key(["a"])({"a": value}) is None


def test_quotes_cannot_make_two_keys_one() -> None:
    read = compile_key(["a", "b"])
    one, other = read({"a": 'x","y', "b": "z"}), read({"a": "x", "b": 'y","z'})
    assert one is not None
    assert other is not None
    assert one != other
    assert json.loads(one) == ['x","y', "z"]


@pytest.mark.parametrize("letter", ["a", "é", "€", "😀"])
def test_text_of_more_than_256_bytes_stands_as_its_digest(letter: str) -> None:
    size = len(letter.encode())
    fits = letter * (256 // size)
    long = fits + letter
    assert text_of(fits) == json.dumps([fits], ensure_ascii=False)
    digest = f"sha256:{hashlib.sha256(long.encode()).hexdigest()}"
    key = compile_key(["a"])({"a": long})
    assert key is not None
    assert key == f'["{digest}"]'
    assert key_values(["a"], key) == {"a": digest}


def test_the_text_of_a_key_can_be_had_of_what_people_see() -> None:
    shown = {"b": 7, "a": None, "c": 'é"', "d.e": True}
    assert key_text(["a", "b", "c", "d.e"], shown) == '[null,7,"é\\"",true]'
    assert key_text(["b"], {"b": 7.0}) == "[7]"
    assert key_text([], {}) == NO_KEY
