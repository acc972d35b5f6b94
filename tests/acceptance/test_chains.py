"""Rules that run one another, against the real daemon: every run is recorded, and none runs away."""

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.chains import call, chained, ended, executions, rule, several, tree, trigger
from tests.support.daemon import Daemon, eventually
from tests.support.postgres import server
from tests.support.receiver import Received, Receiver

ANSWER: tuple[int, Mapping[str, str], bytes] = (204, {}, b"")


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_chain_records_each_run_and_gives_its_result_to_the_next_step(tmp_path: Path, store: str) -> None:
    options = () if store == "sqlite" else ("--store", server().database())
    with Receiver() as receiver:
        told = call(receiver.url, "/a", '{result: "{{ references.trigger_result }}", level: "{{ event.level }}"}')
        root = tree(
            tmp_path / "tree",
            a=rule("a", several(chained("b", '{level: "{{ event.level + 1 }}"}'), told)),
            b=rule("b", chained("c", '{level: "{{ event.level + 1 }}"}'), more="    when: level > 1\n"),
            c=rule("c", call(receiver.url, "/c", '{level: "{{ event.level }}"}')),
        )
        with Daemon(root, tmp_path / "data", *options).wait_ready() as daemon:
            assert daemon.ingest({"type": "go-a", "level": 1}).status == 202
            [a], [b], [c] = ended(daemon, "a"), ended(daemon, "b"), ended(daemon, "c")
            again = trigger(daemon, "b", {"level": 0})
            assert daemon.stop() == 0
    assert [one["status"] for one in (a, b, c)] == ["success"] * 3
    assert [one["executed_by"] for one in (a, b, c)] == ["cepd", "rule a", "rule b"]
    assert [one["references"]["trigger"]["type"] for one in (a, b, c)] == ["fired", "chained", "chained"]
    assert [one["references"]["trigger"]["depth"] for one in (b, c)] == [1, 2]
    by_path = {received.path: json.loads(received.body) for received in receiver.received}
    assert by_path["/in/c"] == {"level": 3}, "values keep their kind through the chain"
    assert by_path["/in/a"]["level"] == 1
    result = by_path["/in/a"]["result"]
    assert set(result) == {"status", "condition_met", "duration_ms", "references"}
    assert (result["status"], result["condition_met"]) == ("success", True)
    assert result["duration_ms"] >= 0
    assert result["references"]["trigger"]["payload"] == {"type": "go-b", "level": 2}
    action = result["references"]["action"]
    assert action["action_type"] == "trigger_rule"
    deeper = action["references"]["trigger_result"]
    assert (deeper["status"], deeper["condition_met"]) == ("success", True)
    assert deeper["references"]["action"]["action_type"] == "webhook"
    assert a["references"]["action"]["references"]["trigger_result"] == result
    assert [step["action_type"] for step in a["references"]["action"]["references"]["steps"]] == [
        "trigger_rule",
        "webhook",
    ]
    assert (again[1]["status"], again[1]["condition_met"]) == ("dry_run", False)
    assert len(receiver.received) == 2, "a run whose condition is not met does nothing"


def test_a_circle_that_reloads_make_ends_at_the_limit(tmp_path: Path) -> None:
    """No tree holds the circle: what a run still owes leads on under the next one, each time."""
    root = tmp_path / "tree"
    running: list[Daemon] = []

    def turn(received: Received, number: int) -> tuple[int, Mapping[str, str], bytes]:
        """While a run waits for this answer, the other rule becomes the one that leads on."""
        lay("ab" if received.path == "/in/b" else "ba")
        assert running[0].request("POST", "/-/reload").status == 200
        return ANSWER

    with Receiver(turn) as receiver:

        def lay(order: str) -> None:
            leading, led = order
            onward = several(call(receiver.url, f"/{leading}"), chained(led))
            tree(root, **{leading: rule(leading, onward), led: rule(led, call(receiver.url, f"/{led}"))})

        lay("ab")
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            running.append(daemon)
            assert daemon.ingest({"type": "go-a"}).status == 202
            a = eventually(lambda: three_ended(daemon, "a"), within=60, what="the end of the chain")
            b = eventually(lambda: three_ended(daemon, "b"), within=60, what="the end of the chain")
            dead = [line for line in daemon.log if line.get("event") == "delivery dead"]
            assert daemon.stop() == 0
    depths = [run["references"]["trigger"].get("depth", 0) for run in (*a, *b)]
    assert sorted(depths) == [0, 1, 2, 3, 4, 5]
    [last] = [run for run in (*a, *b) if run["references"]["trigger"].get("depth") == 5]
    assert last["status"] == "fail"
    assert "rule chain too deep" in last["error_message"]
    assert len(dead) == 1
    assert "rule chain too deep" in dead[0]["reason"]
    assert len(receiver.received) == 6


def three_ended(daemon: Daemon, rule_id: str) -> list[dict[str, object]] | None:
    found = executions(daemon, rule_id)
    return found if len(found) == 3 and all(one["status"] != "pending" for one in found) else None


@pytest.mark.parametrize("concurrency", ["skip", "queue"])
def test_a_rule_that_is_running_is_not_started_twice_where_it_says_so(tmp_path: Path, concurrency: str) -> None:
    free, arrived = threading.Event(), threading.Event()

    def hold(received: Received, number: int) -> tuple[int, Mapping[str, str], bytes]:
        arrived.set()
        assert free.wait(20)
        return ANSWER

    with Receiver(hold) as receiver, ThreadPoolExecutor(2) as others:
        root = tree(
            tmp_path / "tree",
            slow=rule("slow", call(receiver.url), more=f"    concurrency: {concurrency}\n    timeout: 15s\n"),
            a=rule("a", chained("slow"), more="    timeout: 15s\n"),
        )
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            first = others.submit(trigger, daemon, "slow", {"n": 1})
            assert arrived.wait(20)
            second = others.submit(trigger, daemon, "slow", {"n": 2})
            daemon.ingest({"type": "go-a"})
            if concurrency == "skip":
                assert second.result(20)[1]["status"] == "skipped"
                [caller] = ended(daemon, "a")
                result = caller["references"]["action"]["references"]["trigger_result"]
                assert (result["status"], result["error_message"]) == ("skipped", "rule already running")
                assert caller["status"] == "success", "it did what it was to do"
            eventually(lambda: len(daemon.alerts("rule_id=slow")) == 3, what="an alert of each run, skipped or not")
            free.set()
            assert first.result(20)[1]["status"] == "success"
            runs = ended(daemon, "slow", 3)
            third = trigger(daemon, "slow", {"n": 3})[1]
            assert daemon.stop() == 0
    statuses = sorted(run["status"] for run in runs)
    assert statuses == (["skipped", "skipped", "success"] if concurrency == "skip" else ["success"] * 3)
    assert all((run["error_message"] == "rule already running") is (run["status"] == "skipped") for run in runs)
    assert third["status"] == "success", "nothing was running any more"
    assert len(receiver.received) == (2 if concurrency == "skip" else 4)


def test_a_run_that_takes_too_long_is_pending_for_who_waits_and_ends_by_itself(tmp_path: Path) -> None:
    free = threading.Event()

    def hold(received: Received, number: int) -> tuple[int, Mapping[str, str], bytes]:
        assert free.wait(20)
        return ANSWER

    with Receiver(hold) as receiver:
        root = tree(
            tmp_path / "tree",
            slow=rule("slow", call(receiver.url), more="    timeout: 200ms\n"),
            a=rule("a", chained("slow"), more="    timeout: 200ms\n"),
        )
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            status, early = trigger(daemon, "a", {}, key="k")
            assert (status, early["status"]) in {(200, "pending"), (200, "success")}
            [caller] = ended(daemon, "a")
            assert caller["references"]["action"]["references"]["trigger_result"]["status"] == "pending"
            free.set()
            assert ended(daemon, "slow")[0]["status"] == "success"
            assert trigger(daemon, "a", {}, key="k")[1]["status"] == "success"
            assert daemon.stop() == 0
    assert len(receiver.received) == 1


def test_a_first_try_that_fails_makes_the_run_fail_though_a_retry_arrives(tmp_path: Path) -> None:
    with Receiver(lambda received, number: (500 if number == 1 else 204, {}, b"")) as receiver:
        root = tree(tmp_path / "tree", a=rule("a", call(receiver.url)))
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            answer = trigger(daemon, "a", {})[1]
            eventually(lambda: len(receiver.received) == 2, what="the retry")
            assert daemon.stop() == 0
    assert answer["status"] == "fail"
    assert "500" in answer["error_message"]


def test_steps_that_were_done_are_not_done_again(tmp_path: Path) -> None:
    def answer(received: Received, number: int) -> tuple[int, Mapping[str, str], bytes]:
        return (503, {}, b"") if received.path == "/in/second" and number < 4 else ANSWER

    with Receiver(answer) as receiver:
        steps = [call(receiver.url, f"/{name}") for name in ("first", "second", "third")]
        root = tree(tmp_path / "tree", a=rule("a", several(*steps)))
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            daemon.ingest({"type": "go-a"})
            eventually(lambda: [one for one in receiver.received if one.path == "/in/third"], what="the third step")
            assert daemon.stop() == 0
    assert [one.path for one in receiver.received] == ["/in/first", *["/in/second"] * 3, "/in/third"]
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert len(set(ids)) == 3
    assert len(set(ids[1:4])) == 1, "a step is tried again under its own id"
