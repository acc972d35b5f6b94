"""Which rules the engine can run. The one place that says so; a rule that it cannot run is inactive as a whole."""

from typing import NamedTuple

from cepd.model.rule import MetricTrigger, Rule, ScheduleTrigger


class Part(NamedTuple):
    """A part of a rule that the engine cannot run, in words and by its path in YAML."""

    words: str
    path: tuple[str, ...]


_SCHEDULE = Part("schedule trigger", ("trigger", "type"))
_POLL = Part("poll", ("trigger", "poll"))
_ENRICH = Part("enrich", ("enrich",))


def unsupported(rule: Rule) -> tuple[Part, ...]:
    """What keeps the engine from running the rule; empty where it can. Targeted events work all the same."""
    trigger = rule.trigger
    lacking = {
        _SCHEDULE: isinstance(trigger, ScheduleTrigger),
        _POLL: isinstance(trigger, MetricTrigger) and trigger.poll is not None,
        _ENRICH: bool(rule.enrich),
    }
    return tuple(part for part, there in lacking.items() if there)


def cannot_run(words: str) -> str:
    """Why a rule with such a part is inactive, in words."""
    return f"cepd cannot run this yet: {words}"
