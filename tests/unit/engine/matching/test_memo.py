"""The memo: what it answers, when it rests, and that it stays small."""

from cepd.engine.matching.memo import LONGEST_TEXT, MOST_TEXTS, REST, TRIAL, Memo


class Finder:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, text: str) -> str:
        self.asked += 1
        return text.upper()


def look(memo: Memo, text: str) -> str:
    found = memo.known.get(text)
    return memo.ask(text) if found is None else found


def test_texts_that_come_again_are_found_once():
    finder = Finder()
    memo = Memo(finder)
    for number in range(10 * TRIAL):
        assert look(memo, f"a{number % 50}") == f"A{number % 50}"
    assert finder.asked == 50
    assert len(memo.known) == 50


def test_texts_that_never_come_again_are_not_kept_and_tried_anew_later():
    finder = Finder()
    memo = Memo(finder)
    for number in range(TRIAL + REST):
        assert look(memo, f"a{number}") == f"A{number}"
    assert memo.known == {}
    assert finder.asked == TRIAL + REST
    for number in range(TRIAL):
        look(memo, f"b{number % 5}")
    assert len(memo.known) == 5


def test_a_quarter_of_repeats_is_enough():
    for repeats, kept in ((TRIAL // 4, True), (TRIAL // 4 - 1, False)):
        memo = Memo(Finder())
        texts = [f"a{number}" for number in range(TRIAL - repeats)]
        for text in [*texts, *texts[:1] * repeats]:
            look(memo, text)
        assert (memo.known != {}) is kept


def test_long_texts_are_never_kept():
    finder = Finder()
    memo = Memo(finder)
    short, long = "a" * LONGEST_TEXT, "a" * (LONGEST_TEXT + 1)
    for _ in range(2 * TRIAL):
        look(memo, short)
        assert look(memo, long) == long.upper()
    assert memo.known == {short: short.upper()}
    assert finder.asked == 1 + 2 * TRIAL


def test_a_full_memo_is_emptied_and_on_trial_again():
    memo = Memo(Finder())
    for _ in range(TRIAL):
        look(memo, "a")
    most = 0
    for number in range(2 * MOST_TEXTS):
        assert look(memo, f"b{number}") == f"B{number}"
        most = max(most, len(memo.known))
    assert most == MOST_TEXTS
    assert memo.known == {}
