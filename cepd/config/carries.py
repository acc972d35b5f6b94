"""What a firing brings of events that are gone when it comes: the fields that the rule's texts read.

A window, an absence and the end of a sequence fire without an event at hand, so the engine keeps these and no others.
"""

from collections.abc import Set

from cepd.model.rule import AbsenceTrigger, Rule, SequenceTrigger
from cepd.templating.names import RESERVED


def carries_of(rule: Rule, reads: Set[tuple[str, ...]]) -> tuple[str, ...]:
    """`Rule.carries` for what the rule's texts read: the paths of `Template.paths`.

    Of the steps of a sequence whole paths; of windows, absences and what ends a sequence by staying away first names.
    `event.x` is the event's own field, even where a key or an aggregate is called x. A rule without a severity takes
    the event's, so it keeps that where a text names it.
    """
    steps = {step.id for step in rule.trigger.steps} if isinstance(rule.trigger, SequenceTrigger) else set()
    kept = {".".join(path) for path in reads if path[0] in steps and len(path) > 1}
    if _fires_without_an_event(rule):
        elsewhere = {*RESERVED, *steps, *rule.group_by, *rule.aggregate}
        elsewhere |= set() if rule.severity is None else {"severity"}
        kept |= {path[0] for path in reads} - elsewhere
        kept |= {path[1] for path in reads if path[0] == "event" and len(path) > 1}
    return tuple(sorted(kept))


def _fires_without_an_event(rule: Rule) -> bool:
    trigger = rule.trigger
    ends_by_absence = isinstance(trigger, SequenceTrigger) and trigger.steps[-1].role == "absent"
    return rule.window is not None or isinstance(trigger, AbsenceTrigger) or ends_by_absence
