import pytest

from cepd.model.errors import InputError
from cepd.stores.cursor import read_cursor, write_cursor


@pytest.mark.parametrize("seq", [0, 1, 42, 10**17])
def test_a_cursor_comes_back(seq: int) -> None:
    text = write_cursor("alert", seq)
    assert text.isascii()
    assert "=" not in text
    assert read_cursor("alert", text) == seq


def test_a_changed_cursor_is_refused() -> None:
    text = write_cursor("alert", 42)
    for changed in (text + "=", text[:-1], text + "A", text.swapcase(), write_cursor("alert", 7) + text, " " + text):
        with pytest.raises(InputError):
            read_cursor("alert", changed)


def test_a_cursor_of_another_page_is_refused() -> None:
    with pytest.raises(InputError):
        read_cursor("delivery", write_cursor("alert", 42))
