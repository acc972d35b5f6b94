from hypothesis import given
from hypothesis import strategies as st

from cepd.engine.generations import Generations


def touched(keys: str, limit: int) -> tuple[Generations[int], int]:
    entries: Generations[int] = Generations()
    forgotten = 0
    for key in keys:
        found, evicted = entries.use(key, limit)
        if found is None:
            evicted = entries.put(key, 0, limit)
        forgotten += evicted
    return entries, forgotten


def test_what_was_used_last_stays() -> None:
    entries, forgotten = touched("abcdae", 4)
    assert (entries.young, entries.old) == ({"a": 0, "e": 0}, {"c": 0, "d": 0})
    assert forgotten == 1


def test_an_entry_of_the_old_generation_is_used_and_not_forgotten() -> None:
    entries, forgotten = touched("abcb", 2)
    assert forgotten == 1
    assert (list(entries.young), list(entries.old)) == (["b"], ["c"])


def test_falsy_entries_are_entries() -> None:
    entries, _ = touched("ab", 2)
    assert entries.peek("a") == 0
    assert entries.peek("c") is None
    assert entries.discard("a")
    assert not entries.discard("a")
    assert len(entries) == 1


@given(st.text("abcdefgh"), st.integers(1, 10))
def test_it_is_bounded_and_counts_what_it_forgets(keys: str, limit: int) -> None:
    entries: Generations[int] = Generations()
    made = forgotten = 0
    half = max(limit // 2, 1)
    for key in keys:
        found, evicted = entries.use(key, limit)
        if found is None:
            evicted = entries.put(key, 0, limit)
            made += 1
        forgotten += evicted
        assert len(entries.young) <= half
        assert len(entries.old) <= half
        assert not entries.young.keys() & entries.old.keys()
        assert len(entries) == made - forgotten
        assert key in entries.young
    if len(set(keys)) <= half:
        assert not forgotten
