"""The row in progress outlives its process, and deaths in a row over one row are counted."""

from pathlib import Path

import pytest

from cepd.model.errors import StartError
from cepd.ports import Suspect
from cepd.stores.progress import MappedProgress, open_progress


def died(data: Path, *rows: int, event: int = 0) -> MappedProgress:
    """A process that ended its rows but the last one; the progress as the next one finds it."""
    progress = open_progress(data)
    for row in rows:
        progress.begin(row, event)
        if row != rows[-1]:
            progress.end()
    return open_progress(data)


def test_nobody_is_suspect_at_first_nor_after_rows_that_ended(tmp_path: Path) -> None:
    progress = open_progress(tmp_path)
    assert progress.suspect is None
    progress.begin(7)
    progress.end()
    assert open_progress(tmp_path).suspect is None


def test_deaths_in_a_row_over_one_row_are_counted(tmp_path: Path) -> None:
    assert died(tmp_path, 5, 6, 7).suspect == Suspect(7, 1, 0)
    assert died(tmp_path, 6, 7).suspect == Suspect(7, 2, 0)
    assert died(tmp_path, 6, 7, event=3).suspect == Suspect(7, 3, 3)


def test_a_death_over_another_row_begins_anew(tmp_path: Path) -> None:
    died(tmp_path, 7)
    assert died(tmp_path, 6).suspect == Suspect(6, 1, 0)
    assert died(tmp_path, 7).suspect == Suspect(7, 1, 0)


def test_a_start_that_came_to_no_row_changes_nothing(tmp_path: Path) -> None:
    died(tmp_path, 7)
    open_progress(tmp_path)
    assert open_progress(tmp_path).suspect == Suspect(7, 1, 0)
    assert died(tmp_path, 7).suspect == Suspect(7, 2, 0)


def test_a_row_that_ends_is_suspect_no_more(tmp_path: Path) -> None:
    progress = died(tmp_path, 7)
    progress.begin(6)
    progress.end()
    assert progress.suspect == Suspect(7, 1, 0)
    progress.begin(7)
    progress.end()
    assert progress.suspect is None
    assert open_progress(tmp_path).suspect is None


@pytest.mark.parametrize(("event", "left"), [(0, 0), (4, 4)])
def test_who_is_blamed_stays_whatever_comes_after(tmp_path: Path, event: int, left: int) -> None:
    progress = open_progress(tmp_path)
    progress.begin(7, event)
    progress.blame(7)
    progress.end()
    progress.begin(8)
    assert open_progress(tmp_path).suspect == Suspect(7, 1, left)


def test_an_earlier_row_can_be_blamed(tmp_path: Path) -> None:
    progress = open_progress(tmp_path)
    progress.begin(9, 2)
    progress.blame(7)
    progress.end()
    assert open_progress(tmp_path).suspect == Suspect(7, 1, 0)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "progress").mkdir()
    with pytest.raises(StartError, match="progress cannot be had"):
        open_progress(tmp_path)
