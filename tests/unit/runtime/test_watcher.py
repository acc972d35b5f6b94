"""The watcher against the real file system: what git-sync, a ConfigMap and an editor do must wake it, soon."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cepd.model.duration import HOUR, MILLISECOND
from cepd.runtime.watcher import Place, Watcher, places_of

WITHIN = 5.0


def plain(base: Path) -> Path:
    (base / "rules/packs").mkdir(parents=True)
    (base / "rules/packs/a.yaml").write_text("a: 1")
    return base / "rules"


def git_sync(base: Path) -> Path:
    (base / "git/.worktrees/one/rules").mkdir(parents=True)
    (base / "git/current").symlink_to(".worktrees/one")
    return base / "git/current/rules"


def swap(link: Path, target: str) -> None:
    fresh = link.with_name(link.name + "_tmp")
    fresh.symlink_to(target)
    fresh.rename(link)


def next_worktree(base: Path) -> None:
    old = os.readlink(base / "git/current")
    new = ".worktrees/two" if old.endswith("one") else ".worktrees/one"
    (base / "git" / new / "rules").mkdir(parents=True)
    swap(base / "git/current", new)
    shutil.rmtree(base / "git" / old)


def config_map(base: Path) -> Path:
    (base / "volume/..1").mkdir(parents=True)
    (base / "volume/..data").symlink_to("..1")
    return base / "volume"


def next_config(base: Path) -> None:
    old = os.readlink(base / "volume/..data")
    new = "..2" if old == "..1" else "..1"
    (base / "volume" / new).mkdir()
    swap(base / "volume/..data", new)
    shutil.rmtree(base / "volume" / old)


def edit(base: Path) -> None:
    (base / "rules/packs/a.yaml").write_text("a: 2")


def replace(base: Path) -> None:
    (base / "rules/packs/new").write_text("a: 3")
    (base / "rules/packs/new").rename(base / "rules/packs/a.yaml")


def in_a_new_folder(base: Path) -> None:
    name = f"rules/fresh-{len(list((base / 'rules').iterdir()))}"
    (base / name).mkdir()
    (base / name / "b.yaml").write_text("b: 1")


def away_and_back(base: Path) -> None:
    if (base / "rules").exists():
        (base / "rules").rename(base / "elsewhere")
    else:
        (base / "elsewhere").rename(base / "rules")


def made_anew(base: Path) -> None:
    shutil.rmtree(base / "rules")
    plain(base)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (plain, edit),
        (plain, replace),
        (plain, in_a_new_folder),
        (plain, away_and_back),
        (plain, made_anew),
        (git_sync, next_worktree),
        (config_map, next_config),
    ],
)
def test_five_changes_in_a_row_each_wake_it(
    tmp_path: Path, make: Callable[[Path], Path], change: Callable[[Path], None]
) -> None:
    async def scenario() -> None:
        watcher = Watcher(make(tmp_path), HOUR)
        watcher.start()
        try:
            for _ in range(5):
                change(tmp_path)
                await asyncio.wait_for(watcher.changed(), WITHIN)
        finally:
            watcher.close()

    asyncio.run(scenario())


def test_what_happens_in_hidden_folders_and_beside_the_root_does_not_wake_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        root = plain(tmp_path)
        (root / ".cepd/journal").mkdir(parents=True)
        watcher = Watcher(root, HOUR)
        watcher.start()
        try:
            waiting = asyncio.create_task(watcher.changed())
            (root / ".cepd/journal/segment").write_text("x")
            (tmp_path / "beside.yaml").write_text("x")
            _, pending = await asyncio.wait({waiting}, timeout=0.7)
            assert pending
            edit(tmp_path)
            await asyncio.wait_for(waiting, WITHIN)
        finally:
            watcher.close()

    asyncio.run(scenario())


def test_time_wakes_it_without_a_notice(tmp_path: Path) -> None:
    async def scenario() -> None:
        watcher = Watcher(plain(tmp_path), 20 * MILLISECOND)
        watcher.start()
        try:
            await asyncio.wait_for(watcher.changed(), WITHIN)
            await asyncio.wait_for(watcher.changed(), WITHIN)
        finally:
            watcher.close()

    asyncio.run(scenario())


def test_a_look_that_outlives_the_close_watches_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        watcher = Watcher(plain(tmp_path), 20 * MILLISECOND)
        watcher.start()
        watcher.close()
        await asyncio.wait_for(watcher.changed(), WITHIN)

    asyncio.run(scenario())


def test_steady_writing_does_not_put_it_off_for_ever(tmp_path: Path) -> None:
    async def scenario() -> None:
        root = plain(tmp_path)
        watcher = Watcher(root, HOUR)
        watcher.start()

        async def write() -> None:
            while True:
                edit(tmp_path)
                await asyncio.sleep(0.05)

        writing = asyncio.create_task(write())
        try:
            await asyncio.wait_for(watcher.changed(), WITHIN)
        finally:
            writing.cancel()
            watcher.close()

    asyncio.run(scenario())


def test_the_places_on_the_way_through_links(tmp_path: Path) -> None:
    base = tmp_path.resolve()
    root = git_sync(base)
    assert places_of(root) >= {
        Place(str(base / "git"), "current"),
        Place(str(base / "git/.worktrees/one"), "rules"),
        Place(str(base / "git/.worktrees/one/rules"), None),
    }
    (base / "hop").symlink_to("git/../git/current")
    assert places_of(base / "hop/rules") >= {Place(str(base), "hop"), Place(str(base / "git"), "current")}


def test_a_circle_of_links_and_a_missing_root_have_a_place_to_watch(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert Place(str(tmp_path), "a") in places_of(tmp_path / "a")
    assert Place(str(tmp_path), "none") in places_of(tmp_path / "none/deep")
