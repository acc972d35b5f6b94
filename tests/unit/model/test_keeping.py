"""Targets of the action store: names that stay where they belong, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.model.errors import InputError
from cepd.model.keeping import FileTarget, TableTarget, read_target


@pytest.mark.parametrize("name", ["a.ndjson", "Alerts_of-2026.ndjson", "0.ndjson", "a" * 64 + ".ndjson"])
def test_a_file_has_a_name(name: str) -> None:
    assert read_target(f"file:{name}") == FileTarget(name)


@pytest.mark.parametrize(
    "text",
    [
        "file:",
        "file:.ndjson",
        "file:-a.ndjson",
        "file:a",
        "file:a.json",
        "file:a.1.ndjson",
        "file:../a.ndjson",
        "file:/etc/a.ndjson",
        "file:x/a.ndjson",
        "file:a\n.ndjson",
        "file:a.ndjson\n",
        "file:é.ndjson",
        "file:" + "a" * 65 + ".ndjson",
        "file: a.ndjson",
        "File:a.ndjson",
        "incidents",
        "warehouse/",
        "/incidents",
        "warehouse/a;drop",
        "warehouse/a/b",
        "",
    ],
)
def test_anything_else_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_target(text)
    assert "file:NAME.ndjson" in caught.value.help


@given(st.text())
def test_no_name_leads_out_of_its_folder(text: str) -> None:
    try:
        target = read_target(f"file:{text}.ndjson")
    except InputError:
        return
    assert isinstance(target, FileTarget)
    assert not set(target.name) & set("/\\\0\n")
    assert target.name.count(".") == 1


def test_a_table_is_of_a_datasource() -> None:
    assert read_target("warehouse/incidents") == TableTarget("warehouse", "incidents")
    assert read_target("w.1/public.incidents") == TableTarget("w.1", "public.incidents")
