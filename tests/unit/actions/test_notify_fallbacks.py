"""What stands in for a message of `notify`: chains of channels, who wins, and where they end."""

import msgspec
import pytest

from cepd.actions import notify
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Draft
from cepd.model.duration import HOUR, SECOND
from cepd.model.rule import ActionSpec
from cepd.model.terms import Terms
from cepd.ports import Directory
from cepd.templating.names import names_of
from tests.support.firings import NOON, a_definition, a_firing, an_alert


def a_channel(name: str, fallback: str | None = None, type: str = "webhook", **terms: object) -> ChannelSpec:
    return ChannelSpec(name=name, type=type, options={}, fallback=fallback, terms=Terms(**terms))


def drafts(options: dict[str, object], *channels: ChannelSpec, severity: str = "critical") -> list[Draft]:
    directory = Directory(specs={spec.name: spec for spec in channels}, connected={})
    definition = a_definition(ActionSpec("notify", options))
    fired, alert = a_firing(), an_alert(severity=severity)
    return notify.prepare(definition, 0, directory)(fired, alert, names_of(fired, alert, definition))


def chain(draft: Draft) -> list[str]:
    return [draft.target, *(chain(draft.fallback) if draft.fallback else [])]


CIRCLE = (a_channel("a", "b"), a_channel("b", "c"), a_channel("c", "a"))


@pytest.mark.parametrize(
    ("options", "channels", "chains"),
    [
        pytest.param({}, [a_channel("a")], [["a"]], id="none"),
        pytest.param({}, [a_channel("a", "b"), a_channel("b")], [["a", "b"]], id="the channel's"),
        pytest.param({}, CIRCLE, [["a", "b", "c"]], id="a circle ends where it began"),
        pytest.param({"fallback_channel": "c"}, CIRCLE, [["a", "c"]], id="the action's wins"),
        pytest.param({"fallback_channel": "b"}, [a_channel("a"), *CIRCLE[1:]], [["a", "b", "c"]], id="and goes on"),
        pytest.param(
            {"channels": ["a", "b"], "fallback_channel": "b"},
            [a_channel("a"), a_channel("b", "c"), a_channel("c")],
            [["a", "b", "c"], ["b", "c"]],
            id="where it is the channel itself, its own takes over",
        ),
        pytest.param(
            {"fallback_channel": "EMAIL"}, [a_channel("a"), a_channel("m", type="email")], [["a", "m"]], id="by type"
        ),
        pytest.param({"fallback_channel": "none"}, [a_channel("a", "b"), a_channel("b")], [["a"]], id="not there"),
        pytest.param({}, [a_channel("a", "a")], [["a"]], id="itself"),
    ],
)
def test_who_takes_over(options: dict[str, object], channels: list[ChannelSpec], chains: list[list[str]]) -> None:
    assert [chain(draft) for draft in drafts({"channels": ["a"], **options}, *channels)] == chains


def test_it_is_ready_to_be_sent_under_its_own_terms() -> None:
    first, second = a_channel("a", "b", timeout=SECOND), a_channel("b", delays=(HOUR,), keep_trying=2 * HOUR)
    (draft,) = drafts({"channels": ["a"], "circuit_breaker": {"failure_threshold": 1}}, first, second)
    assert draft.terms.timeout == SECOND
    assert draft.terms.breaker.failure_threshold == 1
    assert draft.fallback is not None
    assert draft.fallback.terms == second.terms
    assert draft.fallback.order_key == 'notify:b:cpu-high:["web-1"]'
    assert msgspec.json.decode(draft.fallback.request)["message"] == "CPU high on web-1"
    assert draft.fallback.deadline == NOON + 5 + 2 * HOUR


def test_one_that_is_a_channel_of_the_action_too_is_the_same_delivery() -> None:
    one, two = drafts({"channels": ["a", "b"]}, a_channel("a", "b"), a_channel("b"))
    assert one.fallback is not None
    assert one.fallback.id == two.id


@pytest.mark.parametrize(
    ("severity", "fallback", "urgent"),
    [("critical", "b", True), ("critical", None, False), ("high", "b", False)],
)
def test_what_is_critical_and_has_another_way_is_urgent(severity: str, fallback: str | None, urgent: bool) -> None:
    (draft,) = drafts({"channels": ["a"]}, a_channel("a", fallback), a_channel("b"), severity=severity)
    assert draft.urgent is urgent
