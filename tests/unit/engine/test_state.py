"""What a tally keeps of the event that began it."""

import pytest

from cepd.engine.state import RuleState
from tests.support.firings import NOON, a_firing


@pytest.mark.parametrize(
    ("payload", "severity"),
    [
        (b"", None),
        (b"{}", None),
        (b'{"severity": "HIGH"}', "high"),
        (b'{"severity": "warning", "n": {"severity": "low"}}', "medium"),
        (b'{"severity": "high", "severity": "low"}', "low"),
        (b'{"sever\\u0069ty": "low"}', "low"),
        (b'{"severity": 3}', None),
        (b'{"severity": {"severity": "low"}}', None),
        (b'{"n": 1e999, "severity": "low"}', "low"),
        (b'{"severity": "low", "severity": 1e999}', "low"),
        (b'{"severity": [1e999]}', None),
        (b'{"n": "\\ud800", "severity": "low"}', "low"),
    ],
)
def test_an_alert_is_as_severe_as_its_first_event_says(payload: bytes, severity: str | None) -> None:
    state = RuleState("s", "e")
    assert state.hold("f1", a_firing(payload=payload)).severity == severity
    later = a_firing(id="f2", time=NOON - 1, payload=b'{"severity": "critical"}')
    assert state.hold("f1", later).severity == severity
    folded = state.fold("f1", later)
    assert (folded.alert_id, folded.severity, folded.kind, folded.last_at) == ("f1", severity, "fired", NOON)
    assert state.fold("f1", later, "continued").kind == "continued"
    assert state.tallies["f1"].count == 2
