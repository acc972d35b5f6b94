"""Which store an address names, and what is said of one that cannot be had."""

import asyncio
from pathlib import Path

import pytest

from cepd.model.errors import StartError
from cepd.ports import Recording
from cepd.stores.opening import instance_of, is_shared, open_store
from tests.support.alerts import alert
from tests.support.postgres import server


async def kept(address: str | None, data_dir: Path) -> int:
    """Records one alert, closes, and opens again: the newest recorded row."""
    store = await open_store(address, data_dir)
    await store.record(Recording(seq=7, alerts=[alert("a1")]))
    await store.close()
    again = await open_store(address, data_dir)
    try:
        await again.alert("a1")
        return await again.recorded()
    finally:
        await again.close()


def test_without_an_address_it_is_a_file_in_the_data_directory(tmp_path: Path) -> None:
    assert asyncio.run(kept(None, tmp_path / "data")) == 7
    assert (tmp_path / "data/cepd.db").exists()


def test_a_file_is_where_the_address_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert asyncio.run(kept("sqlite:///near.db", tmp_path / "data")) == 7
    assert asyncio.run(kept(f"sqlite:///{tmp_path}/far/away.db", tmp_path / "data")) == 7
    assert (tmp_path / "near.db").exists()
    assert (tmp_path / "far/away.db").exists()


def test_postgresql_is_shared_by_daemons_that_record_for_themselves(tmp_path: Path) -> None:
    address = server().database()

    async def test() -> None:
        assert await kept(address, tmp_path / "one") == 7
        other = await open_store(address, tmp_path / "two")
        assert (await other.alert("a1")).alert.rule_id == "cpu"
        assert await other.recorded() == 0, "its own journal has recorded nothing"
        await other.close()

    asyncio.run(test())
    assert is_shared(address)
    assert not is_shared("sqlite:///x.db")
    assert not is_shared(None)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "no scheme"),
        ("cepd.db", "no scheme"),
        ("mysql://db/cepd", "'mysql'"),
        ("postgresql://[::1/cepd", "cannot be read"),
        ("sqlite://cepd.db", "does not name a file"),
        ("sqlite:///", "does not name a file"),
        ("postgresql://cepd:s3cret@127.0.0.1:1/cepd", "127.0.0.1:1/cepd cannot be opened"),
        ("postgresql://127.0.0.1:port/cepd", "cannot be opened"),
    ],
)
def test_what_cannot_be_had_is_told_without_a_password(tmp_path: Path, address: str, message: str) -> None:
    with pytest.raises(StartError, match=message) as refused:
        asyncio.run(open_store(address, tmp_path))
    assert refused.value.help
    assert "s3cret" not in str(refused.value)


def test_a_database_of_a_newer_cepd_is_left_alone(tmp_path: Path) -> None:
    address = server().database()
    asyncio.run(kept(address, tmp_path))
    server().sql("UPDATE schema_version SET version = 99", address.rpartition("/")[2])
    with pytest.raises(StartError, match="schema 99"):
        asyncio.run(open_store(address, tmp_path))


def test_daemons_that_start_together_make_the_schema_once(tmp_path: Path) -> None:
    address = server().database()

    async def test() -> None:
        stores = await asyncio.gather(*(open_store(address, tmp_path / name) for name in "abcd"))
        assert [await store.recorded() for store in stores] == [0] * 4
        for store in stores:
            await store.close()

    asyncio.run(test())


def test_a_data_directory_has_one_name_for_good(tmp_path: Path) -> None:
    name = instance_of(tmp_path / "one")
    assert instance_of(tmp_path / "one") == name
    assert instance_of(tmp_path / "two") != name
    (tmp_path / "one/instance").write_text("")
    with pytest.raises(StartError, match="is empty"):
        instance_of(tmp_path / "one")
