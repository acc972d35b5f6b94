from typing import Any

import msgspec
import pytest

from cepd.channels.webhook import connect
from cepd.model.channel import ChannelSpec
from cepd.model.duration import SECOND
from cepd.model.errors import InputError
from cepd.model.message import message_of
from cepd.model.secret import SecretRef
from cepd.model.terms import Terms
from tests.support.firings import a_firing, an_alert
from tests.support.tools import real_tools

TERMS = Terms(timeout=SECOND)


def spec(**options: Any) -> ChannelSpec:
    return ChannelSpec(name="ops", type="webhook", options={"url": "https://ops.example/in", **options}, terms=TERMS)


def test_the_body_is_the_message_in_its_documented_order() -> None:
    message = message_of(a_firing(), an_alert(payload={"ü": "é"}), "text")
    body = connect(spec(), real_tools()).render(message)
    assert list(msgspec.json.decode(body)) == [
        *("type", "event_id", "rule_id", "rule_name", "severity", "state", "message", "key", "values", "time"),
        "payload",
    ]
    assert "é".encode() in body


def test_connecting_keeps_references_and_reads_no_secret() -> None:
    channel = connect(
        spec(
            url={"env": "NOT_SET"},
            headers={"Authorization": {"env": "NOT_SET"}},
            secret={"file": "/none"},
            method="PUT",
        ),
        real_tools(),
    )
    assert channel.call.url == SecretRef(env="NOT_SET")
    assert channel.call.headers == {"Authorization": SecretRef(env="NOT_SET")}
    assert channel.call.secrets == (SecretRef(file="/none"),)
    assert (channel.call.method, channel.call.deadline) == ("PUT", SECOND)


@pytest.mark.parametrize("options", [{"url": None}, {"url": 5}, {"secret": "whsec_x"}, {"headers": {"A": ["b"]}}])
def test_an_option_that_cannot_be_read_is_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        connect(spec(**options), real_tools())
