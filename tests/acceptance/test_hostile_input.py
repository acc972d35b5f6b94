"""Bad input at every door of the running daemon: a clear answer, and the daemon lives on."""

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import CHANNEL, PACK, SECRET, write_tree
from tests.support.receiver import Receiver

NDJSON = {"Content-Type": "application/x-ndjson"}
GOOD = b'{"type": "other", "n": 1}'


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("hostile")
    root = write_tree(folder / "tree")
    environment = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET}
    with Daemon(root, folder / "data", environment=environment).wait_ready() as running:
        yield running
        assert running.process.poll() is None, "it lives through all of it"
        assert running.ingest({"type": "other"}).status == 202
        assert running.stop() == 0


LINES = {
    "NaN": (b'{"v": NaN}', "JSON"),
    "infinity": (b'{"v": Infinity}', "JSON"),
    "100,000 deep": (b'{"v": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
    "not an object": (b"[1]", "object"),
    "cut off": (b'{"v": ', "JSON"),
    "control character": (b'{"v": "\x01"}', "JSON"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_named_and_its_neighbours_are_accepted(daemon: Daemon, name: str) -> None:
    line, reason = LINES[name]
    answer = daemon.request("POST", "/ingest", b"\n".join([GOOD, line, GOOD]), NDJSON)
    assert answer.status == 202
    assert answer.json()["accepted"] == 2
    (rejected,) = answer.json()["rejected"]
    assert rejected["line"] == 2
    assert reason in rejected["reason"]


ACCEPTED = {
    "5,000 digits": b'{"type": "host.cpu", "host": "digits", "cpu_percent": ' + b"9" * 5000 + b"}",
    "out of range": b'{"type": "host.cpu", "host": "range", "cpu_percent": 1e999}',
    "id as number": b'{"type": "host.cpu", "host": "id", "cpu_percent": 99, "id": 17}',
    "unreadable time": b'{"type": "host.cpu", "host": "time", "cpu_percent": 99, "time": "yesterday"}',
    "far future": b'{"type": "host.cpu", "host": "future", "cpu_percent": 99, "time": "2999-01-01T00:00:00Z"}',
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_odd_but_valid_lines_are_accepted(daemon: Daemon, name: str) -> None:
    assert daemon.request("POST", "/ingest", ACCEPTED[name], NDJSON).json()["accepted"] == 1


def test_a_number_out_of_range_is_a_missing_field(daemon: Daemon) -> None:
    for name in ("5,000 digits", "out of range"):
        daemon.request("POST", "/ingest", ACCEPTED[name], NDJSON)
    daemon.ingest({"type": "host.cpu", "host": "after", "cpu_percent": 99})
    hosts = eventually(lambda: [one["key"]["host"] for one in daemon.alerts() if one["key"]["host"] == "after"])
    assert hosts
    assert not {"digits", "range"} & {one["key"]["host"] for one in daemon.alerts()}


def test_an_id_that_is_a_number_is_its_json_text(daemon: Daemon) -> None:
    one = {"type": "other", "id": 4711}
    assert daemon.ingest(one).json()["accepted"] == 1
    assert daemon.ingest(one).json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert daemon.ingest({"type": "other", "id": "4711"}).json()["accepted"] == 1, "other bytes are another event"


BODIES = {
    "empty": (b"", {}, 400),
    "not UTF-8": (GOOD + b'\n{"v": "\xff"}\n', {}, 400),
    "20 MB": (b" " * (20 << 20), {}, 413),
    "gzip bomb": (gzip.compress(b"\n" * (200 << 20), 9), {"Content-Encoding": "gzip"}, 413),
    "not gzip": (GOOD, {"Content-Encoding": "gzip"}, 400),
    "half a gzip": (gzip.compress(GOOD * 100)[:40], {"Content-Encoding": "gzip"}, 400),
    "unknown encoding": (GOOD, {"Content-Encoding": "br"}, 400),
    "only bad lines": (b"nope\n[]\n", {}, 400),
    "broken array": (b'[{"a": 1}, {"a":', {"Content-Type": "application/json"}, 400),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_as_a_problem_document(daemon: Daemon, name: str) -> None:
    body, headers, status = BODIES[name]
    answer = daemon.request("POST", "/ingest", body, {**NDJSON, **headers})
    assert answer.status == status
    if name == "only bad lines":
        assert [one["line"] for one in answer.json()["rejected"]] == [1, 2]
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["detail"]


def test_a_body_that_is_not_utf_8_names_its_first_bad_line(daemon: Daemon) -> None:
    answer = daemon.request("POST", "/ingest", BODIES["not UTF-8"][0], NDJSON)
    assert "line 2" in answer.json()["detail"]


REQUESTS = [
    ("GET", "/cep/events?limt=5", None, 400, "limit"),
    ("GET", "/cep/events?limit=0", None, 400, "limit"),
    ("GET", "/cep/events?limit=5000", None, 400, "limit"),
    ("GET", "/cep/events?cursor=zzz", None, 400, "cursor"),
    ("GET", "/cep/events?from=yesterday", None, 400, "from"),
    ("GET", "/cep/events?severity=hgih", None, 400, "severity"),
    ("GET", "/cep/events/none", None, 404, "none"),
    ("GET", "/cep/rules/none", None, 404, "none"),
    ("POST", "/cep/rules", {}, 405, "git"),
    ("DELETE", "/cep/rules/cpu", None, 405, "git"),
    ("POST", "/cep/rules/cpu/simulate", {"payloda": {}}, 400, "payload"),
    ("POST", "/cep/rules/cpu/simulate", {"payload": []}, 400, "payload"),
    ("POST", "/cep/rules/cpu/simulate", b"{", 400, "JSON"),
    ("POST", "/cep/events/none/ack", {"buy": "me"}, 400, "by"),
    ("GET", "/nowhere", None, 404, "nowhere"),
    ("PUT", "/ingest", {}, 405, "POST"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "word"), REQUESTS)
def test_a_bad_request_is_told_what_is_wrong(
    daemon: Daemon, method: str, path: str, body: object, status: int, word: str
) -> None:
    headers = {"Content-Type": "application/json"} if isinstance(body, bytes) else None
    answer = daemon.request(method, path, body, headers)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in json.dumps(answer.json())


def test_garbage_on_the_wire_does_not_hurt(daemon: Daemon) -> None:
    port = int(daemon.url.rsplit(":", 1)[1])
    for garbage in (
        b"\x16\x03\x01\x02\x00",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        b"\0" * 100,
    ):
        # It may hang up before all is sent.
        with socket.create_connection(("127.0.0.1", port), 5) as connection, suppress(OSError):
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                continue
    assert daemon.get("/-/healthy").status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_channel_that_points_inside_is_refused_unless_allowed(tmp_path: Path, host: str) -> None:
    with Receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        channel = CHANNEL.replace("allow_private: true", "allow_private: false")
        root = write_tree(tmp_path / "tree", {"channels.yaml": channel, "hosts.yaml": PACK})
        environment = {"OPS_URL": f"http://{host}:{port}/in", "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
            eventually(lambda: [a for a in daemon.alerts() if a["channels"] == {"ops": "dead"}], what="the refusal")
            detail = daemon.get(f"/cep/events/{daemon.alerts()[0]['event_id']}").json()
            assert "allow_private" in json.dumps(detail["deliveries"])
            assert receiver.received == []


def test_the_metadata_address_is_refused_even_where_private_ones_are_allowed(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree")
    environment = {"OPS_URL": "http://169.254.169.254/latest/meta-data", "OPS_SECRET": SECRET}
    with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
        daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
        eventually(lambda: [a for a in daemon.alerts() if a["channels"] == {"ops": "dead"}], what="the refusal")
