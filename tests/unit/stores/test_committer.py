import threading

from cepd.stores.committer import Committer


def test_what_queues_while_it_is_busy_is_one_group_in_order() -> None:
    groups: list[list[int]] = []
    busy, release = threading.Event(), threading.Event()

    def commit(group: list[int]) -> None:
        groups.append(group)
        busy.set()
        assert release.wait(20)

    committer = Committer("test", commit)
    committer.put(0)
    assert busy.wait(20)
    for number in range(1, 6):
        committer.put(number)
    release.set()
    committer.close()
    assert groups == [[0], [1, 2, 3, 4, 5]]


def test_close_commits_what_is_queued_and_take_empties_the_queue() -> None:
    groups: list[list[int]] = []
    busy, release = threading.Event(), threading.Event()

    def commit(group: list[int]) -> None:
        groups.append(group)
        busy.set()
        assert release.wait(20)

    committer = Committer("test", commit)
    committer.put(0)
    assert busy.wait(20)
    committer.put(1)
    assert committer.take() == [1]
    committer.put(2)
    release.set()
    committer.close()
    assert groups == [[0], [2]]
