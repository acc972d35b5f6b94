"""What the engine cannot run, by its place; everything else it can."""

import pytest

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

POLLED = MetricTrigger("cpu", ">", 1, poll={"url": "https://example.com"})
LOOKUP = (Enrichment("lookup", {}),)


@pytest.mark.parametrize(
    ("parts", "places"),
    [
        ({"trigger": ScheduleTrigger("* * * * *")}, [("trigger", "type")]),
        ({"trigger": POLLED}, [("trigger", "poll")]),
        ({"enrich": LOOKUP}, [("enrich",)]),
        ({"trigger": POLLED, "enrich": LOOKUP}, [("trigger", "poll"), ("enrich",)]),
    ],
)
def test_what_cannot_run_yet_is_named_at_its_place(parts: dict[str, object], places: list[tuple[str, ...]]) -> None:
    found = unsupported(rule(**parts))
    assert [part.path for part in found] == places
    assert all(part.words for part in found)


@pytest.mark.parametrize(
    "parts",
    [
        {"trigger": EventTrigger(("a",), ("b",)), "group_by": ("h",), "time": "arrival"},
        {"trigger": MetricTrigger("cpu", ">", 1), "suppress": Suppress(MINUTE)},
        {"trigger": AnomalyTrigger("ms")},
        {"trigger": SequenceTrigger(MINUTE, ())},
        {"trigger": AbsenceTrigger(MINUTE), "resolve": Resolve()},
        {"trigger": NewValueTrigger("user")},
        {"window": Window("sliding", size=MINUTE, slide=MINUTE, emit="eager"), "aggregate": {"n": Aggregate("count")}},
        {"window": Window("session", timeout=MINUTE), "hold": MINUTE, "resolve": Resolve(MINUTE)},
    ],
)
def test_everything_else_runs(parts: dict[str, object]) -> None:
    assert unsupported(rule(**parts)) == ()
