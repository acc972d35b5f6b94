from typing import Any

import msgspec
import pytest

from cepd.actions import webhook
from cepd.model.delivery import Draft
from cepd.model.duration import SECOND
from cepd.model.errors import InputError, TemplateError
from cepd.model.rule import ActionSpec
from cepd.model.secret import SecretRef
from cepd.ports import Directory
from cepd.templating.names import names_of
from cepd.webhooks import Call
from tests.support.firings import a_definition, a_firing, an_alert

DIRECTORY = Directory(specs={}, connected={})
URL = "https://api.example:8443/v2"


def drafts(options: dict[str, Any], **firing: object) -> list[Draft]:
    definition = a_definition(ActionSpec("webhook", {"endpoint": URL, **options}))
    fired, alert = a_firing(**firing), an_alert()
    return webhook.prepare(definition, 0, DIRECTORY)(fired, alert, names_of(fired, alert, definition))


def call(options: dict[str, Any], **firing: object) -> Call:
    (draft,) = drafts(options, **firing)
    return msgspec.json.decode(draft.request, type=Call)


def test_a_body_of_its_own_keeps_the_kinds_of_values() -> None:
    made = call({"body": {"host": "{{ host }}", "cpu": "{{ cpu }}", "text": "at {{ cpu }} %", "tags": ["a", 1]}})
    assert made.method == "POST"
    assert made.url == URL
    assert msgspec.json.decode(made.body or "") == {"host": "web-1", "cpu": 97.5, "text": "at 97.5 %", "tags": ["a", 1]}


def test_a_body_that_is_text_is_sent_as_it_is() -> None:
    assert call({"body": '{"host": "{{ host }}"}'}).body == '{"host": "web-1"}'
    assert call({"body": "{{ event.cpu }}"}).body == "97.5"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_without_a_body_the_alert_is_told(method: str) -> None:
    told = msgspec.json.decode(call({"method": method}).body or "")
    assert (told["type"], told["event_id"], told["message"]) == ("alert.fired", "f1", "CPU high on web-1")
    assert told["payload"] == {"host": "web-1", "cpu": 97.5}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_get_and_delete_carry_no_body(method: str) -> None:
    assert call({"method": method, "params": {"host": "{{ host }}"}}).body is None


def test_params_are_encoded_into_the_query() -> None:
    params = {"q": "{{ host }} & {{ cpu }}", "n": "{{ cpu }}", "flag": True, "list": ["{{ host }}", 2], "none": None}
    assert call({"method": "GET", "params": params}).query == ("q=web-1+%26+97.5&n=97.5&flag=true&list=web-1&list=2")


def test_secrets_stay_references_in_what_is_stored() -> None:
    options = {
        "endpoint": {"env": "HOOK_URL"},
        "headers": {"Authorization": {"file": "/run/token"}, "X-Host": "{{ host }}"},
        "secret": [{"env": "NEW"}, {"env": "OLD"}],
    }
    (draft,) = drafts(options)
    made = msgspec.json.decode(draft.request, type=Call)
    assert made.url == SecretRef(env="HOOK_URL")
    assert made.headers == {"Authorization": SecretRef(file="/run/token"), "X-Host": "web-1"}
    assert made.secrets == (SecretRef(env="NEW"), SecretRef(env="OLD"))
    assert draft.target == "POST env:HOOK_URL"


def test_what_a_draft_is_counted_and_ordered_by() -> None:
    (draft,) = drafts({"method": "PUT", "retry": {"delays": ["3s"]}, "timeout": "2s"})
    assert draft.target == "PUT api.example:8443"
    assert draft.order_key == 'webhook:PUT api.example:8443:cpu-high:["web-1"]'
    assert draft.terms.delays == (3 * SECOND,)
    assert msgspec.json.decode(draft.request, type=Call).deadline == 2 * SECOND
    (draft,) = drafts({"endpoint": "https://user:password@api.example/"})
    assert draft.target == "POST api.example"


@pytest.mark.parametrize("kind", ["storm", "summary", "resolved"])
def test_only_what_tells_the_alert_is_called_again(kind: str) -> None:
    assert msgspec.json.decode(call({}, kind=kind).body or "")["message"].startswith(f"[{kind}]")
    assert drafts({"body": {"a": 1}}, kind=kind) == []
    assert drafts({"method": "DELETE"}, kind=kind) == []


@pytest.mark.parametrize(
    "options",
    [
        {"body": {"zone": "{{ zone }}"}},
        {"body": {}, "headers": {"X-Zone": "{{ zone }}", "X-Key": {"env": "KEY"}}},
        {"params": {"zone": "{{ zone }}"}},
    ],
)
def test_a_failing_template_sends_the_alert_with_the_reason(options: dict[str, Any]) -> None:
    made = call(options)
    told = msgspec.json.decode(made.body or "")
    assert told["type"] == "alert.fired"
    assert "its own text failed at /" in told["message"]
    assert "'zone' is undefined" in told["message"]
    assert made.query == ""
    assert all(isinstance(value, SecretRef) for value in made.headers.values())


def test_a_failing_template_of_a_call_without_a_body_sends_nothing_and_says_why() -> None:
    made = call({"method": "DELETE", "params": {"zone": "{{ zone }}"}})
    assert made.body is None
    assert "'zone' is undefined" in made.fault


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"body": "{{ x"}, TemplateError),
        ({"endpoint": None}, InputError),
        ({"endpoint": {"value": "x"}}, InputError),
        ({"headers": {"X": 5}}, InputError),
        ({"secret": "whsec_literal"}, InputError),
        ({"timeout": "soon"}, InputError),
    ],
)
def test_what_cannot_be_read_is_told_at_once(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        drafts(options)
    assert "whsec_literal" not in str(raised.value)
