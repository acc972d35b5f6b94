"""The collector: what a reload replaced goes, cycles and all; what lives on is not looked at again."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from cepd.runtime.memory import THRESHOLDS, prepare, settle


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Kept:
    """One of two that hold each other."""

    other: "Kept | None" = None


def test_what_was_replaced_goes_though_it_was_frozen_before() -> None:
    kept = Kept()
    kept.other = Kept()
    kept.other.other = kept
    settle()
    gone = weakref.ref(kept)
    del kept
    gc.collect()
    assert gone() is not None, "frozen, so that a collection does not see it"
    settle()
    assert gone() is None


def test_what_lives_on_is_left_out_of_collections() -> None:
    settle()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 1_000


def test_collections_are_seldom_and_never_off() -> None:
    prepare()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.isenabled()
