"""Where connections go, and where they do not: the guard under a real client, with real servers on loopback."""

import asyncio
import socket

import pytest

from cepd.model.errors import RefusedError
from cepd.net import GuardedClient
from cepd.ports import HttpError
from tests.support.client import against, get
from tests.support.wire import OK, Wire, answering


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "①②⑦.0.0.1",
        "0.0.0.0",
        "0",
    ],
)
def test_no_spelling_of_loopback_is_reached(host: str) -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises((RefusedError, HttpError)) as raised:
            await get(client, f"http://{host}:{wire.port}/", allow_private=False)
        if isinstance(raised.value, HttpError):
            assert not raised.value.sent
        assert wire.connections == 0

    against(answering(OK), conversation)


def test_ipv6_loopback_is_refused_and_can_be_allowed() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        url = f"http://[::1]:{wire.port}/"
        with pytest.raises(RefusedError, match="::1"):
            await get(client, url, allow_private=False)
        assert wire.connections == 0
        assert (await get(client, url)).status == 200
        assert (await get(client, url, allow_private=False, allow=["::1"])).status == 200

    try:
        against(answering(OK), conversation, host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")


@pytest.mark.parametrize(
    "entry", ["localhost", "LocalHost", "localhost:{port}", "127.0.0.0/8", "127.0.0.1", "127.0.0.1:{port}"]
)
def test_an_entry_of_the_allow_list_opens_what_it_names(entry: str) -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        allow = [entry.format(port=wire.port)]
        url = f"http://localhost:{wire.port}/"
        assert (await get(client, url, allow_private=False, allow=allow)).status == 200

    against(answering(OK), conversation)


@pytest.mark.parametrize("entry", ["localhost:1", "other", "10.0.0.0/8", "127.0.0.1:1", "host", "127.0.0.0/33", ""])
def test_an_entry_of_the_allow_list_opens_nothing_else(entry: str) -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(RefusedError, match="public internet"):
            await get(client, f"http://localhost:{wire.port}/", allow_private=False, allow=[entry])
        assert wire.connections == 0

    against(answering(OK), conversation)


def test_a_kept_connection_serves_only_those_with_its_allowance() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        url = f"http://127.0.0.1:{wire.port}/"
        for _ in range(3):
            await get(client, url)
        assert wire.connections == 1
        with pytest.raises(RefusedError):
            await get(client, url, allow_private=False)
        assert len(wire.requests) == 3

    against(answering(OK), conversation)


def test_retired_allowances_leave_no_connections_behind() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        for number in range(20):
            await get(client, f"http://127.0.0.1:{wire.port}/", allow_private=False, allow=["127.0.0.1", f"h{number}"])
        assert wire.connections == 20
        assert len(client._pools) == 1

    against(answering(OK), conversation)


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Makes `hook.example` resolve to these answers in turn, the last one for good; what was looked up."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *args: object, **kwargs: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name != "hook.example":
            return real(host, port, *args, **kwargs)
        asked.append(name)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("answer", [["127.0.0.1", "127.0.0.9"], ["127.0.0.9", "127.0.0.1"]])
def test_an_address_that_is_refused_is_not_reached_through_one_that_is_admitted(
    monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    asked = resolving(monkeypatch, answer)

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(HttpError):
            await get(client, f"http://hook.example:{wire.port}/", allow_private=False, allow=["127.0.0.9"])
        assert asked
        assert wire.connections == 0

    against(answering(OK), conversation)


def test_the_admitted_one_of_several_addresses_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["127.0.0.9", "127.0.0.1"])

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        url = f"http://hook.example:{wire.port}/"
        assert (await get(client, url, allow_private=False, allow=["127.0.0.1"])).status == 200

    against(answering(OK), conversation)


@pytest.mark.parametrize("judged", [["127.0.0.9"], ["127.0.0.8", "127.0.0.9"]])
def test_a_name_that_changes_its_answer_gains_nothing(monkeypatch: pytest.MonkeyPatch, judged: list[str]) -> None:
    asked = resolving(monkeypatch, judged, ["127.0.0.1"])

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(HttpError):
            await get(client, f"http://hook.example:{wire.port}/", allow_private=False, allow=judged)
        assert asked == ["hook.example"], "it is looked up once, and the connection goes to what was judged"
        assert wire.connections == 0

    against(answering(OK), conversation)


@pytest.mark.parametrize(
    ("host", "options", "said", "unsaid"),
    [
        ("127.0.0.1", {}, "allow_private", "no channel"),
        ("169.254.169.254", {}, "no channel", "allow_private"),
        ("169.254.169.254", {"allow_private": True}, "no channel", "allow_private"),
        ("[64:ff9b::7f00:1]", {"allow_private": True}, "no channel", "allow_private"),
    ],
)
def test_a_refusal_names_the_remedy_that_helps(host: str, options: dict[str, bool], said: str, unsaid: str) -> None:
    async def run() -> None:
        with pytest.raises(RefusedError, match="public internet") as raised:
            await get(GuardedClient(), f"http://{host}/", **{"allow_private": False, **options})
        assert said in raised.value.help
        assert unsaid not in raised.value.help
        assert "egress" in raised.value.help

    asyncio.run(run())
