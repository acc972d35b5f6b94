"""Amounts of bytes: what is taken, what is refused with the remedy, what is shown."""

import pytest

from cepd.model.errors import InputError
from cepd.model.size import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"), [("1KiB", 1024), ("512MiB", 512 << 20), ("16GiB", 16 << 30), ("2TiB", 2 << 40)]
)
def test_a_size(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", ["", "16", "16G", "16GB", "1.5GiB", "0MiB", "-1MiB", " 1MiB", "1MiB ", "٣MiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match="is not a size") as refused:
        parse_size(text)
    assert "16GiB" in refused.value.help


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0KiB"), (9_999 << 10, "9999KiB"), (10_000 << 10, "9MiB"), (1 << 60, "1048576TiB")]
)
def test_a_size_is_shown_rounded_down(size: int, text: str) -> None:
    assert format_size(size) == text
