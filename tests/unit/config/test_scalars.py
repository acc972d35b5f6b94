import pytest

from cepd.config.scalars import read_plain
from cepd.model.errors import InputError
from cepd.model.json import Json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("on", "on"), ("off", "off"), ("No", "No"), ("y", "y"),
        ("12:30", "12:30"), ("12:30:45", "12:30:45"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000"),
        ("true", True), ("True", True), ("FALSE", False), ("tRue", "tRue"),
        ("", None), ("~", None), ("null", None), ("Null", None), ("nULL", "nULL"), ("none", "none"),
        ("0", 0), ("-7", -7), ("+7", 7), ("010", 10), ("0o17", 15), ("0x1F", 31), ("0b11", "0b11"), ("-0x1F", "-0x1F"),
        ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015), ("1e", "1e"), (".", "."),
        ("-", "-"), ("+", "+"), ("1.2.3", "1.2.3"), ("٣", "٣"), ("１", "１"), ("=", "="), ("<<", "<<"),
        ("9223372036854775807", 2**63 - 1), ("18446744073709551615", 2**64 - 1), ("-9223372036854775808", -(2**63)),
    ],
)  # fmt: skip
def test_reads_the_core_schema_of_yaml_1_2(text: str, value: Json) -> None:
    found = read_plain(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [".nan", ".NaN", ".inf", "-.INF", "1e999", f"{2**64}", f"{-(2**63) - 1}", "9" * 5000, "0x" + "f" * 17],
)
def test_refuses_numbers_that_nothing_can_carry(text: str) -> None:
    with pytest.raises(InputError) as error:
        read_plain(text)
    assert error.value.help
