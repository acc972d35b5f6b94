import base64
import json
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from cepd.actions import webhook as action
from cepd.channels.webhook import WebhookChannel, connect
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Outcome
from cepd.model.duration import HOUR, MILLISECOND, SECOND
from cepd.model.message import message_of
from cepd.model.secret import SecretRef
from cepd.model.terms import Terms
from cepd.ports import Directory, Tools
from cepd.webhooks import Call
from tests.support.deliveries import a_delivery
from tests.support.firings import a_firing, an_alert
from tests.support.receiver import Receiver
from tests.support.tools import using_tools
from tests.support.wire import serving, silent

TERMS = Terms(timeout=300 * MILLISECOND)

NEW, OLD = ("whsec_" + base64.b64encode(bytes([number]) * 24).decode() for number in (1, 2))
MESSAGE = message_of(a_firing(), an_alert(payload={"ü": "é", "n": 1.5}), "CPU high — «text»")


def channel_to(url: Any, tools: Tools, **options: Any) -> WebhookChannel:
    options = {"url": url, **options}
    spec = ChannelSpec(name="ops", type="webhook", options=options, allow_private=True, terms=TERMS)
    return connect(spec, tools)


async def send(channel: WebhookChannel) -> Outcome:
    return await channel.send("d1", channel.render(MESSAGE))


def sent(url: Any, **options: Any) -> Outcome:
    return using_tools(lambda tools: send(channel_to(url, tools, **options)))


def test_a_message_arrives_as_rendered_and_its_signature_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", NEW)
    with Receiver() as receiver:
        outcome = sent(receiver.url, secret={"env": "HOOK_SECRET"})
    assert outcome == Outcome(result="sent", detail="HTTP 204", status=204)
    (received,) = receiver.received
    Webhook(NEW).verify(received.body, dict(received.headers))
    assert received.headers["webhook-id"] == "d1"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("cepd/")
    assert json.loads(received.body)["message"] == "CPU high — «text»"


def test_a_signature_holds_for_each_secret_during_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW", NEW)
    monkeypatch.setenv("OLD", OLD)
    with Receiver() as receiver:
        sent(receiver.url, secret=[{"env": "NEW"}, {"env": "OLD"}])
    (received,) = receiver.received
    for secret in (NEW, OLD):
        Webhook(secret).verify(received.body, dict(received.headers))


def test_without_a_secret_there_is_an_id_and_no_signature() -> None:
    with Receiver() as receiver:
        sent(receiver.url)
    assert receiver.received[0].headers["webhook-id"] == "d1"
    assert "webhook-signature" not in receiver.received[0].headers


@pytest.mark.parametrize("key", ["whsec_short", "plain text secret", "whsec_" + "A" * 1000, "whsec_!!!!" + "A" * 40])
def test_a_secret_of_another_form_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("HOOK_SECRET", key)
    with Receiver() as receiver:
        outcome = sent(receiver.url, secret={"env": "HOOK_SECRET"})
    assert outcome.result == "permanent"
    assert "env:HOOK_SECRET" in outcome.detail
    assert key not in outcome.detail
    assert not receiver.received


def test_a_missing_secret_is_named_and_nothing_is_sent() -> None:
    with Receiver() as receiver:
        outcome = sent(receiver.url, headers={"Authorization": {"env": "CEPD_TEST_NOT_SET"}})
    assert outcome.result == "permanent"
    assert outcome.detail.startswith("the secret env:CEPD_TEST_NOT_SET is not set; set ")
    assert not receiver.received


def test_url_and_headers_may_be_secrets_and_are_cleaned_from_what_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    with Receiver(lambda received, _: (403, {}, f"{received.path} {received.headers['x-token']}".encode())) as receiver:
        (tmp_path / "url").write_text(f"{receiver.url}/t0psecret\n")
        monkeypatch.setenv("TOKEN", "tok3n-value")
        url = {"file": str(tmp_path / "url")}
        outcome = sent(url, headers={"X-Token": {"env": "TOKEN"}})
    assert receiver.received[0].headers["x-token"] == "tok3n-value"
    assert outcome.result == "auth"
    assert "tok3n-value" not in outcome.detail


@pytest.mark.parametrize(
    ("status", "headers", "result", "retry_after"),
    [
        (200, {}, "sent", None),
        (302, {"Location": "http://127.0.0.1:9/"}, "permanent", None),
        (404, {}, "permanent", None),
        (401, {}, "auth", None),
        (408, {}, "retryable", None),
        (429, {"Retry-After": "7"}, "rate_limited", 7 * SECOND),
        (429, {"Retry-After": "999999"}, "rate_limited", HOUR),
        (503, {"Retry-After": "2"}, "retryable", 2 * SECOND),
        (500, {}, "retryable", None),
    ],
)
def test_what_a_status_means(status: int, headers: dict[str, str], result: str, retry_after: int | None) -> None:
    with Receiver(lambda received, number: (status, headers, b"because\n of this")) as receiver:
        outcome = sent(receiver.url)
    assert (outcome.result, outcome.status, outcome.retry_after) == (result, status, retry_after)
    assert outcome.detail == (f"HTTP {status}" if status == 200 else f"HTTP {status}: because of this")
    assert len(receiver.received) == 1


def test_a_long_answer_is_cut_in_what_is_told() -> None:
    with Receiver(lambda received, number: (500, {}, "é".encode() * 100_000)) as receiver:
        outcome = sent(receiver.url)
    assert len(outcome.detail) == 300


def test_silence_means_unknown() -> None:
    async def talk(tools: Tools) -> Outcome:
        async with serving(silent) as wire:
            return await send(channel_to(f"http://127.0.0.1:{wire.port}/", tools))

    assert using_tools(talk) == Outcome(result="unknown", detail="no answer within 300ms")


def test_nobody_there_is_retryable() -> None:
    with Receiver() as receiver:
        url = receiver.url
    assert sent(url).result == "retryable"


def test_a_private_address_needs_allow_private() -> None:
    spec = ChannelSpec(name="ops", type="webhook", options={"url": "http://127.0.0.1:9/"})
    outcome = using_tools(lambda tools: send(connect(spec, tools)), egress=["127.0.0.1"])
    assert outcome.result == "permanent"
    assert "not on the public internet" in outcome.detail


def performed(call: Call, egress: list[str]) -> Outcome:
    delivery = a_delivery(type="webhook", request=msgspec.json.encode(call))
    directory = Directory(specs={}, connected={})
    return using_tools(lambda tools: action.perform(delivery, tools, directory), egress)


def test_an_action_reaches_what_egress_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "Bearer tok3n")
    monkeypatch.setenv("HOOK_SECRET", OLD)
    with Receiver() as receiver:
        call = Call(
            method="PUT",
            url=receiver.url + "?a=1#part",
            query="b=%26",
            headers={"Authorization": SecretRef(env="TOKEN")},
            body='{"é":1}',
            secrets=(SecretRef(env="HOOK_SECRET"),),
        )
        assert performed(call, []).result == "permanent"
        assert not receiver.received
        assert performed(call, ["127.0.0.0/8"]).result == "sent"
    (received,) = receiver.received
    assert (received.method, received.path, received.body) == ("PUT", "/in?a=1&b=%26", '{"é":1}'.encode())
    assert received.headers["authorization"] == "Bearer tok3n"
    Webhook(OLD).verify(received.body, dict(received.headers))


def test_a_call_that_could_not_be_made_sends_nothing() -> None:
    with Receiver() as receiver:
        outcome = performed(Call(method="GET", url=receiver.url, fault="'zone' is undefined"), ["127.0.0.1"])
    assert (outcome.result, outcome.detail) == ("permanent", "'zone' is undefined")
    assert not receiver.received


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_call_without_a_body(method: str) -> None:
    with Receiver() as receiver:
        assert performed(Call(method=method, url=receiver.url), ["127.0.0.1"]).result == "sent"
    (received,) = receiver.received
    assert (received.method, received.body) == (method, b"")
    assert "content-type" not in received.headers
