"""What a rule hears: the types of events, and what it asks of one by itself."""

from cepd.engine.matching.node import Asked
from cepd.engine.single import condition_of, threshold_of
from cepd.engine.support import unsupported
from cepd.engine.unit import unit_kind
from cepd.model.condition import All, AnyOf, Condition, Field, Literally, Test
from cepd.model.happenings import is_own
from cepd.model.rule import MetricTrigger, Rule, ScheduleTrigger, SequenceTrigger


def types_of(rule: Rule) -> frozenset[str] | None:
    """The event types that a rule sees; None: every one."""
    trigger = rule.trigger
    if isinstance(trigger, ScheduleTrigger):
        return frozenset()
    given = (
        [step.event_type for step in trigger.steps] if isinstance(trigger, SequenceTrigger) else [trigger.event_type]
    )
    if any(names is None for names in given):
        return None
    return frozenset(name for names in given for name in names or ())


def hears_type(rule: Rule, event_type: str | None) -> bool:
    """Whether a rule sees events of a type."""
    names = types_of(rule)
    return not is_own(event_type) if names is None else event_type in names


def remembers(rule: Rule) -> bool:
    """Whether it has a unit."""
    return unit_kind(rule) is not None and not unsupported(rule)


def asked_of(rule: Rule) -> Asked:
    """What an event of the rule's types has to meet; of a rule with a unit, to be fed to it."""
    sources = getattr(rule.trigger, "source", None)
    condition = rule.when if remembers(rule) else condition_of(rule)
    return Asked(condition, None if sources is None else frozenset(sources))


def concerning(rule: Rule) -> Condition:
    """What concerns a rule without a unit: without a threshold every event, as `when` is what the rule asks; else one
    that holds `when` and whose metric is a number, above zero or not."""
    if threshold_of(rule) is None or not isinstance(rule.trigger, MetricTrigger) or rule.trigger.metric is None:
        return All(())
    metric = Field(rule.trigger.metric)
    number = AnyOf((Test(">", metric, Literally(0)), Test("<=", metric, Literally(0))))
    return number if rule.when is None else All((number, rule.when))
