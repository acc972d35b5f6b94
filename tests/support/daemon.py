"""The real daemon as a process, for acceptance tests: start, talk, stop, kill."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], within: float = 20.0, what: str = "it") -> T:
    """The first truthy result of `probe`, tried until `within` seconds have passed."""
    deadline = time.monotonic() + within
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within} s; last seen: {result!r}")
        time.sleep(0.02)


def ingest_or_die(daemon: "Daemon", *events: Mapping[str, Any]) -> None:
    """Sends events to a daemon that may die before it answers."""
    try:
        assert daemon.ingest(*events).status == 202
    except (urllib.error.URLError, ConnectionError):
        return


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Daemon:
    """One running `cepd run`. Log lines are kept as decoded JSON, in `log`."""

    def __init__(
        self,
        root: Path,
        data_dir: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "cepd"),
        cwd: Path | None = None,
    ) -> None:
        self.log: list[dict[str, Any]] = []
        self.raw: list[str] = []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CEPD_")}
        self.process = subprocess.Popen(
            [
                *command,
                "run",
                str(root),
                "--listen",
                "127.0.0.1:0",
                "--data-dir",
                str(data_dir),
                "--log-format",
                "json",
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**inherited, **(environment or {})},
            cwd=cwd,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.raw.append(line.rstrip())
            try:
                self.log.append(json.loads(line))
            except ValueError:
                continue

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line.get("event") == name]

    def wait_ready(self, within: float = 20.0) -> "Daemon":
        """One that does not become ready is killed: nobody may hold it yet."""

        def ready() -> bool:
            if self.process.poll() is not None:
                self._reader.join(2)
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n" + "\n".join(self.raw))
            return bool(self.events("listening")) and self.get("/-/ready").status == 200

        try:
            eventually(ready, within, "readiness")
        except BaseException:
            self.__exit__()
            raise
        return self

    @property
    def url(self) -> str:
        return str(self.events("listening")[0]["url"]).rstrip("/")

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = dict(headers or {})
        if data is not None and not isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def ingest(self, *events: Mapping[str, Any]) -> Answer:
        body = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        return self.request("POST", "/ingest", body, {"Content-Type": "application/x-ndjson"})

    def alerts(self, query: str = "limit=1000") -> list[dict[str, Any]]:
        return list(self.get(f"/cep/events?{query}").json()["events"])

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def wait(self, within: float = 20.0) -> int:
        code = self.process.wait(within)
        self._reader.join(5)
        return code

    def stop(self) -> int:
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
