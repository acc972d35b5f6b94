"""`kill -9` around a run that somebody asked for, and the same request again: the rule runs once."""

import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.support.chains import call, chained, ended, executions, rule, several, tree, trigger
from tests.support.daemon import Daemon, eventually
from tests.support.receiver import Receiver

ROOT = Path(__file__).parents[2]
POINTS = ("run journaled", "run recorded", "run answered")


def killed_at(point: str, root: Path, folder: Path) -> Daemon:
    command = (sys.executable, "-m", "tests.support.killpoint", point, str(folder / "armed"))
    return Daemon(root, folder / "data", command=command, cwd=ROOT)


@pytest.mark.parametrize("form", ["alone", "as a step"])
@pytest.mark.parametrize("point", POINTS)
def test_a_chained_rule_runs_once_when_its_caller_is_killed(tmp_path: Path, point: str, form: str) -> None:
    with Receiver() as receiver:
        link = chained("b", '{n: "{{ event.n }}"}')
        after = call(receiver.url, "/a", '{status: "{{ references.trigger_result.status }}"}')
        root = tree(
            tmp_path / "tree",
            a=rule("a", link if form == "alone" else several(link, after)),
            b=rule("b", call(receiver.url, "/b")),
        )
        with killed_at(point, root, tmp_path).wait_ready() as daemon:
            (tmp_path / "armed").touch()
            assert daemon.ingest({"type": "go-a", "id": "one", "n": 1}).status == 202
            assert daemon.wait() == -signal.SIGKILL, f"the point {point!r} was not hit"
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            [b] = ended(daemon, "b")
            eventually(lambda: [one["ack"] for one in daemon.alerts("rule_id=a")] == ["UNACK"])
            eventually(
                lambda: set(daemon.alerts("rule_id=a")[0]["channels"].values()) == {"sent"}, what="the caller's end"
            )
            [alert] = daemon.alerts("rule_id=b")
            assert daemon.stop() == 0
    assert b["status"] == "success"
    assert alert["count"] == 1
    sent = [one for one in receiver.received if one.path == "/in/b"]
    assert len({one.headers["webhook-id"] for one in sent}) == 1
    assert len(sent) == 1, "its own delivery was not under way"
    if form == "as a step":
        last = [json.loads(one.body) for one in receiver.received if one.path == "/in/a"]
        assert last == [{"status": "success"}]


def test_steps_that_were_done_before_a_kill_are_not_done_again(tmp_path: Path) -> None:
    with Receiver() as receiver:
        root = tree(tmp_path / "tree", a=rule("a", several(call(receiver.url, "/1"), call(receiver.url, "/2"))))
        with killed_at("step kept", root, tmp_path).wait_ready() as daemon:
            (tmp_path / "armed").touch()
            daemon.ingest({"type": "go-a"})
            assert daemon.wait() == -signal.SIGKILL
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            eventually(lambda: len(receiver.received) == 2, what="the second step")
            assert daemon.stop() == 0
    assert [one.path for one in receiver.received] == ["/in/1", "/in/2"]


@pytest.mark.parametrize("point", POINTS)
def test_a_manual_run_is_made_once_when_it_is_asked_for_again_after_a_kill(tmp_path: Path, point: str) -> None:
    with Receiver() as receiver:
        root = tree(tmp_path / "tree", a=rule("a", call(receiver.url)))
        with killed_at(point, root, tmp_path).wait_ready() as daemon:
            (tmp_path / "armed").touch()
            with pytest.raises((URLError, ConnectionError)):
                trigger(daemon, "a", {"n": 1}, key="k")
            assert daemon.wait() == -signal.SIGKILL
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            status, answer = trigger(daemon, "a", {"n": 1}, key="k")
            assert len(executions(daemon, "a")) == 1
            assert daemon.stop() == 0
    assert (status, answer["condition_met"]) == (200, True)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1


def test_the_same_key_runs_once_and_gives_the_same_answer(tmp_path: Path) -> None:
    with Receiver() as receiver, ThreadPoolExecutor(8) as others:
        root = tree(
            tmp_path / "tree",
            a=rule("a", call(receiver.url), more="    when: n > 1\n"),
            off=rule("off", call(receiver.url), more="    enabled: false\n"),
        )
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            at_once = [others.submit(trigger, daemon, "a", {"n": 5}, "key-1") for _ in range(8)]
            answers = [one.result(20) for one in at_once]
            assert {status for status, _ in answers} == {200}
            assert all(answer == answers[0][1] for _, answer in answers)
            missed = trigger(daemon, "a", {"n": 1}, "key-2")
            assert trigger(daemon, "a", {"n": 1}, "key-2") == missed
            assert (missed[1]["status"], missed[1]["condition_met"]) == ("dry_run", False)
            status, refused = trigger(daemon, "a", {"n": 6}, "key-1")
            assert (status, "another payload" in refused["detail"]) == (409, True)
            daemon.kill()
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            assert trigger(daemon, "a", {"n": 5}, "key-1") == answers[0]
            assert trigger(daemon, "a", {"n": 6}, "key-1")[0] == 409
            assert len(executions(daemon, "a")) == 2
            assert trigger(daemon, "a", {"n": 5})[1]["exec_id"] != answers[0][1]["exec_id"], (
                "without a key it runs anew"
            )
            status, refused = trigger(daemon, "nobody", {})
            assert (status, refused["detail"].startswith("Target rule not found")) == (404, True)
            status, refused = trigger(daemon, "off", {})
            assert (status, refused["detail"].startswith("Target rule is not active")) == (400, True)
            assert trigger(daemon, "a", {}, "two words")[0] == 400
            assert trigger(daemon, "a", [])[0] == 400
            assert daemon.stop() == 0
    assert len(receiver.received) == 2
