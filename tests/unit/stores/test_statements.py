import pytest

from cepd.stores.statements import load_migrations, load_statements, split_statements


def test_statements_are_split_by_their_names() -> None:
    text = "-- name: one\nSELECT 1\n\n-- name: two\n-- why\nSELECT 2\nFROM x\n"
    assert split_statements(text) == {"one": "SELECT 1", "two": "-- why\nSELECT 2\nFROM x"}


def test_a_statement_without_a_name_is_a_fault() -> None:
    with pytest.raises(AssertionError):
        split_statements("SELECT 1\n-- name: two\nSELECT 2\n")


def test_two_statements_of_one_name_are_a_fault() -> None:
    with pytest.raises(AssertionError):
        load_statements("alerts", "alerts")


def test_the_files_are_found_where_the_package_is() -> None:
    assert {"insert_alert", "claim", "alerts_page"} <= load_statements("record", "alerts", "deliveries").keys()
    assert load_migrations("sqlite")[0].name == "alerts_and_deliveries"
    assert load_migrations("postgresql")[0].number == 1
