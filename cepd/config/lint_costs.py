"""Notes about conditions that no index of the engine serves: they hold as they should, and cost time at each event."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from cepd.config.pointers import Path
from cepd.config.sheets import Sheet
from cepd.engine.matching import MANY
from cepd.engine.paths import tests_of
from cepd.model.json import Json
from cepd.model.rule import Rule

if TYPE_CHECKING:
    from cepd.engine.costs import Unindexed

_MICROSECOND = 1000
_NAMED = 3
"""Event types that a message names."""


def lint_costs(rules: Sequence[Rule], sheets: Sequence[Sheet]) -> None:
    """Adds a note for each of the rules, which are to run together, that no index serves. Few rules cost too little to
    be looked at, but for patterns."""
    if len(rules) <= MANY and not any(map(_has_pattern, rules)):
        return
    from cepd.engine.costs import unindexed

    found = sorted(unindexed(rules), key=attrgetter("rule_id"))
    places = _places(sheets) if found else {}
    for rule_id, costs in groupby(found, key=attrgetter("rule_id")):
        sheet, path = places[rule_id]
        _tell(list(costs), sheet, path)


def _has_pattern(rule: Rule) -> bool:
    return rule.when is not None and any(test.op == "matches" for test in tests_of(rule.when))


def _places(sheets: Sequence[Sheet]) -> dict[Json, tuple[Sheet, Path]]:
    """Where rules stand, by their ids."""
    return {
        rule["id"]: (sheet, path)
        for sheet in sheets
        if not sheet.is_version
        for path, rule in sheet.rules()
        if isinstance(rule.get("id"), str)
    }


def _tell(found: "Sequence[Unindexed]", sheet: Sheet, path: Path) -> None:
    cost, together = found[0].cost, found[0].together
    events = _events([one.event_type for one in found])
    if cost.searched:
        message = (
            f"a pattern without a fixed text is searched for in every value of {events}: {_time(cost.nanoseconds)}"
        )
        help = "let two or more plain characters stand together in it, outside groups, and do not ignore case"
    else:
        message = (
            f"no index serves this condition: {events} are tested with it and {cost.crowd - 1} more, {_time(together)}"
        )
        help = "ask for a field with == or in, or for a text with contains; write an or as two rules"
        if found[0].event_type is None:
            help = f"name the event_type; {help}"
    sheet.findings.add("CEP330", _asking(sheet, path), message, help)


def _asking(sheet: Sheet, path: Path) -> Path:
    """What of a rule asks: its `when`, else its trigger."""
    when = (*path, "when")
    return when if when in sheet.meant else (*path, "trigger")


def _events(types: "Sequence[str | None]") -> str:
    named = [repr(name) for name in types if name is not None]
    if not named:
        return "all events"
    more = f" and {len(named) - _NAMED} more types" if len(named) > _NAMED else ""
    return f"events of type {', '.join(named[:_NAMED])}{more}"


def _time(nanoseconds: int) -> str:
    return f"about {round(nanoseconds / _MICROSECOND, 1):g} µs an event"
