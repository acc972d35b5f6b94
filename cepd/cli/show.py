"""What `cepd demo` shows: a daemon process, its feed, a receiver, and the alerts as they come."""

import asyncio
import base64
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from cepd.cli.console import note, say
from cepd.model.errors import StartError

RECORDING = "recordings/shop.ndjson"
EVENTS_A_SECOND = 4


class Show(msgspec.Struct, frozen=True):
    tree: Path
    data_dir: Path
    listen: str
    seconds: int | None

    async def run(self) -> int:
        """Until the time is up; returns how many alerts there were."""
        async with receiver() as hooks, daemon(self, hooks) as url, httpx2.AsyncClient(base_url=url) as client:
            await until_ready(client)
            say(f"daemon: {url}   alerts: {url}/cep/events   metrics: {url}/metrics")
            shown: set[str] = set()
            tasks = [
                asyncio.create_task(feed_machine(client)),
                asyncio.create_task(feed_recording(client, read_recording(self.tree / RECORDING))),
                asyncio.create_task(show_alerts(client, url, shown)),
            ]
            _, running = await asyncio.wait(tasks, timeout=self.seconds, return_when=asyncio.FIRST_EXCEPTION)
            for task in running:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for fault in ended:
                if isinstance(fault, Exception):
                    raise fault
            await summary(client, url)
            return len(shown)


@asynccontextmanager
async def daemon(show: Show, hooks: str) -> AsyncIterator[str]:
    """A `cepd run` of its own process; gives its URL, ends it with SIGTERM."""
    log = show.data_dir.parent / "daemon.log"
    environment = {
        **os.environ,
        "OPS_HOOK_URL": f"{hooks}/ops",
        "OPS_HOOK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "PAGER_HOOK_URL": f"{hooks}/pager",
    }
    command = [sys.executable, "-m", "cepd", "run", str(show.tree), "--data-dir", str(show.data_dir)]
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, "--listen", show.listen, "--log-format", "json", stdout=out, stderr=out, env=environment
        )
    try:
        yield await _url_of(process, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _url_of(process: asyncio.subprocess.Process, log: Path) -> str:
    for _ in range(300):
        url = _logged_url(log)
        if url is not None:
            return url
        if process.returncode is not None:
            break
        await asyncio.sleep(0.1)
    raise StartError("the daemon did not start", help=_tail(log))


def _logged_url(log: Path) -> str | None:
    for line in log.read_text(encoding="utf-8").splitlines():
        if '"listening"' in line:
            return str(json.loads(line)["url"]).rstrip("/")
    return None


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8")[-2000:]


async def until_ready(client: httpx2.AsyncClient) -> None:
    """The daemon listens before it takes events: first it replays its journal and reads its rules."""
    for _ in range(300):
        answer = await client.get("/-/ready")
        if answer.status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise StartError("the daemon is not ready after 30 seconds", help=answer.text)


@asynccontextmanager
async def receiver() -> AsyncIterator[str]:
    """What stands at the other end of the webhooks: prints each message; gives its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode()
                fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
                body = json.loads(await reader.readexactly(int(fields[b"content-length"])))
                signed = "signed" if b"webhook-signature" in fields else "unsigned"
                say(f"  -> {path} got ({signed}): {body['message']}")
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def send(client: httpx2.AsyncClient, *events: dict[str, Any]) -> None:
    body = b"\n".join(msgspec.json.encode(event) for event in events)
    answer = await client.post("/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
    answer.raise_for_status()


async def feed_machine(client: httpx2.AsyncClient) -> None:
    """Real figures of this machine, once a second."""
    before = _cpu_times()
    while True:
        await asyncio.sleep(1)
        after = _cpu_times()
        busy, total = after[0] - before[0], after[1] - before[1]
        before = after
        disk = shutil.disk_usage("/")
        await send(
            client,
            {
                "type": "host.sample",
                "host": socket.gethostname(),
                "time": time.time(),
                "load1": round(os.getloadavg()[0], 2),
                "cpu_percent": round(100 * busy / total, 1) if total else 0.0,
                "memory_percent": _memory_percent(),
                "mount": "/",
                "disk_percent": round(100 * disk.used / disk.total, 1),
            },
        )


def _cpu_times() -> tuple[int, int]:
    """(busy, all) ticks since boot, from /proc/stat: user nice system idle iowait irq softirq steal."""
    ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _memory_percent() -> float:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    figures = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return round(100 * (1 - figures["MemAvailable"] / figures["MemTotal"]), 1)


def read_recording(path: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


async def feed_recording(client: httpx2.AsyncClient, events: list[dict[str, Any]]) -> None:
    """The recorded stream, again and again, as if it happened now; ids are left out so that each round is new."""
    while True:
        for event in events:
            fresh = {name: value for name, value in event.items() if name not in ("id", "ts")}
            await send(client, {**fresh, "time": time.time()})
            await asyncio.sleep(1 / EVENTS_A_SECOND)


async def show_alerts(client: httpx2.AsyncClient, url: str, shown: set[str]) -> None:
    while True:
        answer = await client.get("/cep/events", params={"limit": 200})
        for alert in reversed(answer.raise_for_status().json()["events"]):
            if alert["event_id"] in shown:
                continue
            page = f"{url}/cep/events/{alert['event_id']}"
            say(f"ALERT {alert['severity']:<8} {alert['rule_id']:<14} {alert['summary']}   {page}")
            if not shown:
                say(f"  acknowledge it: curl -X POST {page}/ack")
            shown.add(alert["event_id"])
        await asyncio.sleep(0.5)


async def summary(client: httpx2.AsyncClient, url: str) -> None:
    alerts = (await client.get("/cep/events", params={"limit": 1000})).raise_for_status().json()["events"]
    firings = sum(alert["count"] for alert in alerts)
    acked = sum(alert["ack"] == "ACK" for alert in alerts)
    note(f"{len(alerts)} alerts of {firings} firings, {acked} acknowledged")
