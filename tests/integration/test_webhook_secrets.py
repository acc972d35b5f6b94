"""Receivers that quote what they were sent: nothing of a secret may reach what is stored."""

from typing import Any

import pytest

from cepd.channels.webhook import connect
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Outcome
from cepd.model.duration import SECOND
from cepd.model.secret import SecretRef
from cepd.model.terms import Terms
from tests.support.receiver import Received, Receiver
from tests.support.tools import using_tools
from tests.support.wire import answering, serving

TERMS = Terms(timeout=5 * SECOND)

TOKEN = "T0000-B1111-abcdefghijkl"
KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"


def sent(known: str | None = None, **options: Any) -> Outcome:
    """One try over a channel; the secret env:`known` was read before, by another call."""

    async def send(tools: Any) -> Outcome:
        if known:
            tools.secrets.read(SecretRef(env=known))
        spec = ChannelSpec(name="ops", type="webhook", options=options, allow_private=True, terms=TERMS)
        return await connect(spec, tools).send("d1", b"{}")

    return using_tools(send)


def quoting(received: Received, number: int) -> tuple[int, dict[str, str], bytes]:
    """What web servers say of a path, a token and a signature that they do not know."""
    token = received.headers.get("authorization", "").removeprefix("Bearer ")
    signature = received.headers.get("webhook-signature", "")
    return 404, {}, f"Cannot POST {received.path}, invalid token {token}, bad signature {signature}".encode()


def test_the_path_of_a_secret_url_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(quoting) as receiver:
        monkeypatch.setenv("HOOK_URL", f"{receiver.url}/services/{TOKEN}")
        outcome = sent(url={"env": "HOOK_URL"})
    assert receiver.received[0].path.endswith(TOKEN)
    assert outcome == Outcome(result="permanent", detail="HTTP 404", status=404)


def test_a_part_of_a_secret_header_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHORIZATION", f"Bearer {TOKEN}")
    with Receiver(quoting) as receiver:
        outcome = sent(url=receiver.url, headers={"Authorization": {"env": "AUTHORIZATION"}})
    assert receiver.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert outcome.detail == "HTTP 404"


def test_the_answer_to_a_signed_call_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", KEY)
    with Receiver(quoting) as receiver:
        outcome = sent(url=receiver.url, secret={"env": "KEY"})
    assert receiver.received[0].headers["webhook-signature"].startswith("v1,")
    assert outcome.detail == "HTTP 404"


@pytest.mark.parametrize("before", [b"x" * 1195, b"x" * 295, b" " * 1195, b" " * 65_531])
def test_a_secret_across_a_cut_leaves_no_head(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    monkeypatch.setenv("OTHER", TOKEN)
    with Receiver(lambda received, number: (500, {}, before + TOKEN.encode())) as receiver:
        outcome = sent("OTHER", url=receiver.url)
    assert TOKEN[:4] not in outcome.detail
    assert outcome.detail.startswith("HTTP 500")


def test_without_secrets_the_answer_is_kept() -> None:
    with Receiver(quoting) as receiver:
        outcome = sent(url=receiver.url)
    assert outcome.detail == "HTTP 404: Cannot POST /in, invalid token , bad signature"


def test_an_answer_that_is_no_http_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHORIZATION", f"Bearer {TOKEN}")

    async def send(tools: Any) -> Outcome:
        async with serving(answering(f"invalid token {TOKEN}\r\n\r\n".encode())) as wire:
            options = {"url": f"http://127.0.0.1:{wire.port}/", "headers": {"Authorization": {"env": "AUTHORIZATION"}}}
            spec = ChannelSpec(name="ops", type="webhook", options=options, allow_private=True, terms=TERMS)
            return await connect(spec, tools).send("d1", b"{}")

    assert using_tools(send) == Outcome(result="unknown", detail="RemoteProtocolError: illegal status line")
