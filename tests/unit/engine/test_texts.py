"""Texts in one buffer are the texts that were put there, whatever they hold, and take no more than their bytes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.texts import Texts
from tests.support.columns import reloaded


@given(st.lists(st.tuples(st.integers(0, 4), st.text(max_size=5)), max_size=12))
@settings(max_examples=100, deadline=None)
def test_each_slot_holds_what_was_put_there_last(puts: list[tuple[int, str]]) -> None:
    texts, plain = Texts(), {}
    for _ in range(5):
        texts.grow()
    for slot, text in puts:
        texts.put(slot, text)
        plain[slot] = text
    for found in (texts, reloaded(texts)):
        assert {slot: found.at(slot) for slot in plain} == plain


@pytest.mark.parametrize("text", ["", "\x00", "ÿ", "\U0010ffff", "a\x00b", "þÿ" * 300])
def test_no_text_is_cut_at_what_it_holds(text: str) -> None:
    texts = Texts()
    for _ in range(3):
        texts.grow()
    for slot in random.Random(1).sample(range(3), 3):
        texts.put(slot, text)
    assert [texts.at(slot) for slot in range(3)] == [text] * 3


def test_a_text_takes_its_bytes_and_one_more() -> None:
    texts = Texts()
    for slot in range(1_000):
        texts.grow()
        texts.put(slot, f"event-{slot:06}")
    assert len(texts.buffer) == 1_000 * 13


@given(st.lists(st.tuples(st.sampled_from(["append", "append", "append", "grow", "put", "load"]), st.text(max_size=3))))
@settings(max_examples=100, deadline=None)
def test_slots_that_come_with_a_text_are_slots_like_any_other(steps: list[tuple[str, str]]) -> None:
    texts, plain = Texts(), []
    for _ in range(30):
        for step, text in steps:
            if step == "append":
                texts.append(text)
                plain.append(text)
            elif step == "grow":
                texts.grow()
                plain.append(None)
            elif step == "put" and plain:
                texts.put(len(plain) // 2, text)
                plain[len(plain) // 2] = text
            else:
                texts = reloaded(texts)
    assert [texts.at(slot) for slot, text in enumerate(plain) if text is not None] == [
        text for text in plain if text is not None
    ]
