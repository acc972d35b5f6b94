"""Rule tests: what in one does not fit together, and the struct that a sound one means."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from cepd.config.findings import At, Findings
from cepd.config.moments import Moment
from cepd.config.pointers import Path, value_at
from cepd.config.sheets import Sheet, beside
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.ruletest import Case, EventStep, Expectation, ReloadStep, RestartStep, RuleTest, Step, TickStep

START: Instant = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, where a test names no start."""

INPUT = "test"
"""The input of events that name none."""

_KINDS = ("event", "tick", "restart", "reload")
_OF_EVENTS = ("fields", "each", "repeat", "every", "time", "late", "input")
_WORDS = ("at", *_KINDS, *_OF_EVENTS)
_NEAR = 0.85
"""How alike a word is that was probably meant: one letter more or less."""


class _Fault(NamedTuple):
    path: Path
    message: str
    help: str
    at: At = "value"


def check_test(meant: Mapping[Path, Any], findings: Findings) -> None:
    """Adds what does not fit together in a rule test. `meant` holds what its values mean, by their paths."""
    names: set[str] = set()
    for index, case in enumerate(_mappings(findings.data, "cases")):
        path: Path = ("cases", index)
        name = case.get("name")
        faults = [*_case(case, path, meant), *_expectations(case, path, findings.data)]
        if isinstance(name, str) and name in names:
            faults.append(_Fault((*path, "name"), f"the case {name!r} is given twice", "give it another name"))
        names.add(str(name))
        for fault in faults:
            findings.add("CEP140", fault.path, fault.message, fault.help, at=fault.at)
        for at, step in enumerate(_mappings(case, "events")):
            _near_words(step, (*path, "events", at), findings)


def _near_words(step: Mapping[str, Json], path: Path, findings: Findings) -> None:
    """What is no word of a step is a field of its event: a warning of each that is nearly a word."""
    for name in step if "event" in step else ():
        near = difflib.get_close_matches(name.lower(), _WORDS, 1, _NEAR)
        if near and name not in _WORDS:
            message = f"{name!r} is a field of the event here, and nearly the word {near[0]!r}"
            findings.add("CEP143", (*path, name), message, f"write {near[0]}, or fields: {{{name}: …}}", at="key")


def _mappings(document: Json, name: str) -> list[dict[str, Json]]:
    """The items of a list; an empty mapping in place of an item that is none."""
    listed = document.get(name) if isinstance(document, dict) else None
    return [item if isinstance(item, dict) else {} for item in listed] if isinstance(listed, list) else []


def _count(step: Mapping[str, Json]) -> int:
    """How many events a step makes."""
    each = step.get("each")
    longest = max(map(len, each.values()), default=1) if isinstance(each, dict) and _all_lists(each) else 1
    repeat = step.get("repeat", longest)
    return repeat if isinstance(repeat, int) else 1


def _all_lists(each: Mapping[str, Json]) -> bool:
    return all(isinstance(values, list) for values in each.values())


def _case(case: Mapping[str, Json], path: Path, meant: Mapping[Path, Any]) -> Iterator[_Fault]:
    start: Instant = meant.get(("start",), START)
    ends: list[Instant] = []
    for index, step in enumerate(_mappings(case, "events")):
        if not step:
            continue
        below = (*path, "events", index)
        yield from _step(step, below)
        moment: Moment | None = meant.get((*below, "at"))
        if moment is not None:
            if moment.after(start) < start:
                yield _Fault((*below, "at"), "at lies before the start", "a test begins at start: write an earlier one")
            ends.append(moment.after(start) + (_count(step) - 1) * meant.get((*below, "every"), 0))
    until: Moment | None = meant.get((*path, "until"))
    if until is not None and until.after(start) < max(ends, default=start):
        yield _Fault((*path, "until"), "until lies before the last step", "time does not go back: write a later one")


def _step(step: Mapping[str, Json], path: Path) -> Iterator[_Fault]:
    kinds = [name for name in _KINDS if name in step]
    if len(kinds) != 1:
        said = f"a step is one thing, not {' and '.join(kinds)}" if kinds else "the step does not say what happens"
        yield _Fault(path, said, f"give one of {', '.join(_KINDS)}", "first_key")
        return
    if kinds != ["event"]:
        for name in step:
            if name not in ("at", kinds[0]):
                yield _Fault((*path, name), f"a {kinds[0]} has no {name}", "leave it out, or make two steps", "key")
        if step.get("restart") is False:
            yield _Fault((*path, "restart"), "restart is true, or how long it lasts", "write true, or leave the step")
        return
    if "every" in step and "repeat" not in step and "each" not in step:
        yield _Fault((*path, "every"), "every needs repeat or each", "say how many events come", "key")
    if "time" in step and "late" in step:
        yield _Fault((*path, "late"), "time and late both say the event's own time", "keep one of them", "key")
    yield from _given_twice(step, path)


def _given_twice(step: Mapping[str, Json], path: Path) -> Iterator[_Fault]:
    """Fields of an event that are said in two places."""
    told = {"type": "event"} if step["event"] is not None else {}
    if "time" in step or "late" in step:
        told["time"] = "time" if "time" in step else "late"
    told |= {name: name for name in step if name not in _WORDS}
    for part in ("fields", "each"):
        members = step.get(part)
        for name in members if isinstance(members, dict) else ():
            if name in told:
                yield _Fault((*path, part, name), f"{told[name]} says {name} already", "keep one of them", "key")
            told[name] = part
    if step["event"] is not None and "type" in step:
        yield _Fault((*path, "type"), "event says the type already", "keep one of them", "key")


def _expectations(case: Mapping[str, Json], path: Path, data: Json) -> Iterator[_Fault]:
    rules = data.get("rules") if isinstance(data, dict) else None
    named = [rule for rule in rules if isinstance(rule, str)] if isinstance(rules, list) else []
    for index, expectation in enumerate(_mappings(case, "expect")):
        below = (*path, "expect", index)
        rule = expectation.get("rule")
        if rule is None and len(named) > 1:
            help = f"add rule: one of {', '.join(named)}"
            yield _Fault(below, "the expectation does not say of which rule", help, "first_key")
        if isinstance(rule, str) and named and rule not in named:
            message = f"the test does not run the rule {rule!r}"
            yield _Fault((*below, "rule"), message, f"add it to rules, or name one of {', '.join(named)}")
        if "at" in expectation and "between" in expectation:
            yield _Fault((*below, "between"), "at and between both say the time", "keep one of them", "key")


def build_test(sheet: Sheet) -> RuleTest:
    """The test that a document without errors means."""
    data, meant = sheet.data, sheet.meant
    start: Instant = meant.get(("start",), START)
    rules = tuple(data["rules"])
    cases = tuple(_build_case(sheet, ("cases", index), rules, start) for index in range(len(data["cases"])))
    return RuleTest(file=sheet.file, rules=rules, start=start, cases=cases)


def _build_case(sheet: Sheet, path: Path, rules: tuple[str, ...], start: Instant) -> Case:
    case = value_at(sheet.data, path)
    steps = [_build_step(sheet, (*path, "events", index), start) for index in range(len(case["events"]))]
    expected = [
        _build_expectation(sheet, (*path, "expect", index), rules, start) for index in range(len(case["expect"]))
    ]
    return Case(
        name=case["name"],
        line=sheet.findings.line(path),
        steps=tuple(steps),
        until=_instant(sheet, (*path, "until"), start),
        expect=tuple(expected),
        exact="extra" not in case,
    )


def _build_step(sheet: Sheet, path: Path, start: Instant) -> Step:
    step, meant = value_at(sheet.data, path), sheet.meant
    clock: Instant = meant[(*path, "at")].after(start)
    if "tick" in step:
        return TickStep(clock=clock)
    if "restart" in step:
        return RestartStep(clock=clock, downtime=meant.get((*path, "restart"), 0))
    if "reload" in step:
        return ReloadStep(clock=clock, file=beside(sheet.file, step["reload"]))
    typed = {} if step["event"] is None else {"type": step["event"]}
    each = {name: tuple(values) for name, values in step.get("each", {}).items()}
    own = _instant(sheet, (*path, "time"), start)
    return EventStep(
        clock=clock,
        fields={
            **typed,
            **{name: value for name, value in step.items() if name not in _WORDS},
            **step.get("fields", {}),
        },
        each=each,
        count=_count(step),
        every=meant.get((*path, "every"), 0),
        lag=meant.get((*path, "late")) if own is None else clock - own,
        input=step.get("input", INPUT),
    )


def _build_expectation(sheet: Sheet, path: Path, rules: tuple[str, ...], start: Instant) -> Expectation:
    shape = {"rule": rules[0], **value_at(sheet.data, path)}
    at = _instant(sheet, (*path, "at"), start)
    shape["time"] = _pair(sheet, (*path, "between"), start) if at is None else (at, at)
    shape["clock"] = _instant(sheet, (*path, "clock"), start)
    shape["window"] = _pair(sheet, (*path, "window"), start)
    return msgspec.convert(shape, Expectation)


def _instant(sheet: Sheet, path: Path, start: Instant) -> Instant | None:
    moment: Moment | None = sheet.meant.get(path)
    return None if moment is None else moment.after(start)


def _pair(sheet: Sheet, path: Path, start: Instant) -> tuple[Instant, Instant] | None:
    first, last = _instant(sheet, (*path, 0), start), _instant(sheet, (*path, 1), start)
    return None if first is None or last is None else (first, last)
