"""Which of cepd's own happenings rules hear: none is made that nobody wants."""

from collections.abc import Iterable

from cepd.engine.hearing import types_of
from cepd.model.happenings import Listening, is_own
from cepd.model.rule import Rule


def listening_of(rules: Iterable[Rule]) -> Listening:
    """What these rules hear of happenings."""
    named = {rule.id: {name for name in types_of(rule) or () if is_own(name)} for rule in rules}
    return Listening(
        frozenset(name for names in named.values() for name in names),
        frozenset(rule_id for rule_id, names in named.items() if names),
    )
