"""The model of a rule's kind."""

from cepd.model.rule import AbsenceTrigger, NewValueTrigger, Rule, SequenceTrigger
from tests.support.models.episodes import Kind, Model, Stateless
from tests.support.models.quiet import Absence, NewValue
from tests.support.models.sequence import AnyOrder, Strict
from tests.support.models.windows import Sessions, sliding, tumbling


def model(rule: Rule) -> Model:
    return Model(rule, _kind(rule))


def _kind(rule: Rule) -> Kind:
    if rule.window is not None:
        return {"tumbling": tumbling, "sliding": sliding, "session": Sessions}[rule.window.type](rule)
    match rule.trigger:
        case SequenceTrigger():
            return Strict(rule) if rule.trigger.order == "strict" else AnyOrder(rule)
        case AbsenceTrigger():
            return Absence(rule)
        case NewValueTrigger():
            return NewValue(rule)
    return Stateless(rule)
