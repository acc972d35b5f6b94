import pytest

from cepd.engine.expressions import parse_expression
from cepd.engine.support import unsupported
from cepd.model.duration import MINUTE
from cepd.model.rule import (
    AbsenceTrigger,
    Aggregate,
    AnomalyTrigger,
    Enrichment,
    EventTrigger,
    MetricTrigger,
    NewValueTrigger,
    Resolve,
    ScheduleTrigger,
    SequenceTrigger,
    Suppress,
    Window,
)
from tests.support.rows import rule


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"trigger": ScheduleTrigger("* * * * *")}, "schedule trigger"),
        ({"trigger": AnomalyTrigger("ms")}, "anomaly trigger"),
        ({"trigger": SequenceTrigger(MINUTE, ())}, "sequence trigger"),
        ({"trigger": AbsenceTrigger(MINUTE)}, "absence trigger"),
        ({"trigger": NewValueTrigger("user")}, "new_value trigger"),
        ({"trigger": MetricTrigger("cpu", ">", 1, poll={"url": "https://example.com"})}, "poll"),
        ({"window": Window("tumbling", size=MINUTE)}, "window"),
        ({"aggregate": {"n": Aggregate("count")}, "having": parse_expression("n > 1")}, "aggregate, having"),
        ({"hold": MINUTE}, "for"),
        ({"hold": 0}, "for"),
        ({"resolve": Resolve()}, "resolve"),
        ({"enrich": (Enrichment("lookup", {}),)}, "enrich"),
    ],
)
def test_what_cannot_run_yet_is_named(parts: dict[str, object], words: str) -> None:
    assert unsupported(rule(**parts)) == f"cepd cannot run this yet: {words}"


def test_everything_else_runs() -> None:
    assert (
        unsupported(rule(trigger=EventTrigger(("a",), ("b",)), when="a > 1", group_by=("h",), time="arrival")) is None
    )
    assert unsupported(rule(trigger=MetricTrigger("cpu", ">", 1), suppress=Suppress(MINUTE))) is None
