"""`cepd deliveries` against a real server: what it prints, what it sends on, how it ends."""

import hashlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cepd.model.delivery import Outcome
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import Recording
from cepd.stores.store import SqlStore
from cepd.web.auth import TokenFile
from tests.support.alerts import SECOND, alert, draft, ended
from tests.support.command import cepd
from tests.support.receiver import Receiver
from tests.support.serving import store_served
from tests.support.web import NOW

TERMS = Terms(breaker=BreakerSpec(failure_threshold=1_000))
DOWN = Outcome(result="retryable", detail="HTTP 503: \x1b[31mgone", status=503)


async def fill(store: SqlStore) -> None:
    """d1 and d2 to ops died, `begin` too and was overtaken by `end`; d3 to mail is owed."""
    for name, key, kind in (("begin", "k", "fired"), ("d1", "a", "fired"), ("d2", "b", "fired")):
        request = b'{"text": "disk full"}'
        one = draft(name, order_key=key, kind=kind, terms=TERMS, due_at=NOW, request=request)
        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[one], at=NOW))
        (claimed,) = await store.claim(NOW, 9)
        await ended(store, claimed, state="dead", outcome=DOWN, attempts=5, at=NOW + SECOND)
    end = draft("end", order_key="k", kind="resolved", terms=TERMS, due_at=NOW)
    owed = draft("d3", order_key="c", target="mail", rule_id="disk", terms=TERMS, due_at=NOW + 60 * SECOND)
    await store.record(Recording(seq=2, drafts=[end, owed], at=NOW))
    (claimed,) = await store.claim(NOW, 9)
    await ended(store, claimed, at=NOW + SECOND)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with store_served(tmp_path, fill) as url:
        yield url


def run(*arguments: object, url: str) -> subprocess.CompletedProcess[str]:
    return cepd("deliveries", *arguments, "--url", url)


def states(url: str) -> dict[str, str]:
    found = json.loads(run("list", "--format", "json", url=url).stdout)
    return {one["delivery_id"]: one["state"] for one in found["deliveries"]}


def test_the_list_is_a_table_and_a_receiver_does_not_steer_the_terminal(url: str) -> None:
    done = run("list", "--state", "dead", url=url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "id     state  target  rule  kind   tries  owed since            reason",
        "d2     dead   ops     cpu   fired      1  2026-01-01T00:00:00Z  HTTP 503: \ufffd[31mgone",
        "d1     dead   ops     cpu   fired      1  2026-01-01T00:00:00Z  HTTP 503: \ufffd[31mgone",
        "begin  dead   ops     cpu   fired      1  2026-01-01T00:00:00Z  HTTP 503: \ufffd[31mgone",
    ]


def test_the_list_takes_filters_and_pages(url: str) -> None:
    first = run("list", "--target", "ops", "--limit", "1", url=url)
    assert first.stdout.splitlines()[1].split()[0] == "end"
    cursor = first.stderr.split("--cursor ")[1].strip()
    second = run("list", "--target", "ops", "--limit", "1", "--cursor", cursor, url=url)
    assert second.stdout.splitlines()[1].split()[0] == "d2"
    assert run("list", "--rule", "disk", "--event", "a1", url=url).stdout.splitlines()[1].split()[0] == "d3"
    late = run("list", "--from", "2026-01-01T00:01:00Z", "--to", "2026-01-01T00:02:00Z", "--format", "json", url=url)
    assert [one["delivery_id"] for one in json.loads(late.stdout)["deliveries"]] == ["d3"]
    none = run("list", "--state", "unknown", url=url)
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "no delivery is like that\n")


def test_one_is_shown_whole(url: str) -> None:
    done = run("show", "d1", url=url)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "delivery d1",
        "  state       dead: HTTP 503: \ufffd[31mgone",
        "  target      ops (notify, action 0)",
        "  rule        cpu",
        "  alert       a1 (fired)",
        "  owed since  2026-01-01T00:00:00Z",
        "  ended       2026-01-01T00:00:01Z",
        "  tries",
        "    1  2026-01-01T00:00:00Z         1.000 s  retryable  HTTP 503: \ufffd[31mgone",
        "  sends       21 bytes",
        "    {",
        '      "text": "disk full"',
        "    }",
    ]
    assert json.loads(run("show", "d1", "--format", "json", url=url).stdout)["request"] == '{"text": "disk full"}'


def test_what_is_named_is_sent_again_and_what_is_refused_ends_with_one(url: str) -> None:
    done = run("redrive", "d1", "none", "begin", "d3", "d2", "--by", "alice", url=url)
    assert done.returncode == 1
    assert done.stdout == "d1 goes out to ops\nd2 goes out to ops\n"
    assert "error: there is no delivery none\n" in done.stderr
    assert "error: delivery begin (fired) was overtaken: end (resolved)" in done.stderr
    assert "error: delivery d3 is pending\n  help: it goes out by itself" in done.stderr
    assert states(url) == {"begin": "dead", "d1": "pending", "d2": "pending", "d3": "pending", "end": "sent"}
    assert json.loads(run("show", "d1", "--format", "json", url=url).stdout)["redriven_by"] == "alice"
    forced = run("redrive", "begin", "--force", "--format", "json", url=url)
    assert (forced.returncode, json.loads(forced.stdout)["deliveries"][0]["state"]) == (0, "pending")
    assert run("show", "none", url=url).returncode == 1


def test_all_is_looked_at_first(url: str) -> None:
    looked = run("redrive", "--all", "--target", "ops", "--max", "1", "--dry-run", url=url)
    assert looked.returncode == 1, "something would be left"
    assert looked.stdout.splitlines() == [
        "would go out: d1  ops  cpu  fired",
        "left: begin  ops  cpu  fired, as end came later and went out, or may have",
    ]
    assert looked.stderr == "there are more: the same again, or a larger --max\n"
    nobody = run("redrive", "--all", url=url)
    assert nobody.returncode == 2
    assert "--all asks before it sends" in nobody.stderr
    assert states(url)["d1"] == "dead"
    done = run("redrive", "--all", "--yes", "--force", "--format", "json", url=url)
    assert done.returncode == 0
    assert [one["delivery_id"] for one in json.loads(done.stdout)["deliveries"]] == ["begin", "d1", "d2"]
    again = run("redrive", "--all", "--yes", url=url)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "there is nothing to send again\n")


@pytest.mark.parametrize(("answer", "state"), [("n", "dead"), ("y", "pending")])
def test_all_asks_at_a_terminal(url: str, answer: str, state: str) -> None:
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CEPD_")}
    command = [sys.executable, "-m", "cepd", "deliveries", "redrive", "--all", "--force", "--url", url]
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            command, stdin=theirs, capture_output=True, text=True, timeout=60, env=inherited, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert "Send 3 messages again, to ops?" in done.stderr
    assert ("nothing was sent" in done.stderr) == (answer == "n")
    assert states(url)["d1"] == state


def test_what_is_dropped_is_gone(url: str) -> None:
    done = run("drop", "d3", "d1", "--note", "told by phone", url=url)
    assert (done.returncode, done.stdout) == (0, "d3 is dropped\nd1 is dropped\n")
    again = run("drop", "d3", url=url)
    assert (again.returncode, again.stderr) == (
        1,
        "error: delivery d3 is suppressed\n  help: it was dropped before\n",
    )
    assert json.loads(run("show", "d3", "--format", "json", url=url).stdout)["reason"].endswith(": told by phone")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--state", "deed"], "did you mean 'dead'?"),
        (["list", "--cursor", "x"], "'x' is not a cursor"),
        (["redrive"], "give the ids of deliveries, or --all"),
        (["redrive", "d1", "--all"], "give the ids of deliveries, or --all"),
        (["redrive", "d1", "--target", "ops"], "--target goes with --all"),
        (["redrive", "d1", "--dry-run"], "--dry-run goes with --all"),
        (["redrive", "--all", "--yes", "--state", "sent"], "sent"),
        (["redrive", "--all", "--yes", "--max", "0"], "max"),
    ],
)
def test_wrong_usage_ends_with_two_and_sends_nothing(url: str, arguments: list[str], said: str) -> None:
    done = run(*arguments, url=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert states(url)["d1"] == "dead"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9", "no answer from http://127.0.0.1:9"),
        ("127.0.0.1:8080", "--url is not the address of a daemon"),
        ("http://user:hunter22@127.0.0.1:8080", "--url holds more than an address"),
    ],
)
def test_a_daemon_that_cannot_be_reached_ends_with_two(url: str, said: str) -> None:
    done = run("list", url=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "hunter22" not in done.stderr


def test_another_server_is_not_taken_for_the_daemon() -> None:
    with Receiver(lambda received, number: (200, {}, b"<html>")) as other:
        done = run("list", url=other.url)
    assert done.returncode == 2
    assert "does not answer as cepd does: HTTP 200" in done.stderr


def test_the_token_is_sent_and_never_shown(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"s3cret-viewer").hexdigest()
    (tmp_path / "tokens.yaml").write_text(f"tokens:\n  - {{name: viewer, sha256: {digest}, roles: [read]}}\n")
    with store_served(tmp_path, fill, tokens=TokenFile(tmp_path / "tokens.yaml")) as url:
        assert run("list", "--token", "s3cret-viewer", url=url).returncode == 0
        refused = run("redrive", "d1", "--token", "s3cret-viewer", url=url)
        assert refused.returncode == 2
        assert "does not have the role 'admin'" in refused.stderr
        unknown = run("list", "--token", "s3cret-nobody", url=url)
        assert (unknown.returncode, "the token is not known" in unknown.stderr) == (2, True)
        split = run("list", "--token", "s3cret\nnobody", url=url)
        assert (split.returncode, "characters that no token has" in split.stderr) == (2, True)
        missing = run("list", url=url)
        assert (missing.returncode, "this needs a token" in missing.stderr) == (2, True)
        assert "s3cret" not in "".join(done.stdout + done.stderr for done in (refused, unknown, split, missing))


def test_url_and_token_may_come_from_the_environment(url: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CEPD_")}
    command = [sys.executable, "-m", "cepd", "deliveries", "show", "d1"]
    given = {**inherited, "CEPD_URL": url, "CEPD_TOKEN": "any"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=given, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "delivery d1")
