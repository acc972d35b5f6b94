"""What a schema cannot say: fields of a rule that need, or exclude, one another."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cepd.config.findings import At, Findings
from cepd.config.pointers import Path
from cepd.model.json import Json


class _Fault(NamedTuple):
    code: str
    path: Path
    message: str
    help: str
    at: At = "value"


class _View(NamedTuple):
    """One rule: as written, with what its values mean (by path below the rule), and its pack's owner."""

    rule: Mapping[str, Json]
    meant: Callable[[Path], Any]
    pack_owner: Json


def check_rule(path: Path, meant: Mapping[Path, Any], findings: Findings) -> None:
    """Adds what does not fit together in the rule at a path."""
    rule = findings.data["rules"][path[1]]
    view = _View(rule, lambda below: meant.get((*path, *below)), findings.data.get("owner"))
    for test in (_metric, _poll, _window, _having, _sequence, _priority):
        for fault in test(view):
            findings.add(fault.code, (*path, *fault.path), fault.message, fault.help, at=fault.at)


def _trigger(view: _View, kind: str) -> Mapping[str, Json]:
    trigger = view.rule.get("trigger")
    return trigger if isinstance(trigger, dict) and trigger.get("type") == kind else {}


_THRESHOLD = ("metric", "op", "threshold")


def _metric(view: _View) -> Iterator[_Fault]:
    trigger = _trigger(view, "metric")
    given = [name for name in _THRESHOLD if name in trigger]
    lacking = [name for name in _THRESHOLD if name not in trigger]
    if not trigger:
        return
    if given and "window" in view.rule:
        message = f"{', '.join(given)} cannot stand beside a window: it is not said which value is meant"
        help = "name an aggregate and compare it: having: avg_cpu > 85"
        yield _Fault("CEP125", ("trigger", given[0]), message, help, "key")
    elif given and lacking:
        message = f"a metric trigger with {', '.join(given)} needs {', '.join(lacking)} too"
        yield _Fault(
            "CEP124", ("trigger",), message, "give metric, op and threshold, or none and write when", "first_key"
        )
    elif not given and "when" not in view.rule and trigger.get("event_type") != []:
        message = "the metric trigger says nothing to look for"
        yield _Fault("CEP124", ("trigger",), message, "give metric, op and threshold, or write when", "first_key")


def _poll(view: _View) -> Iterator[_Fault]:
    poll = _trigger(view, "metric").get("poll")
    if not isinstance(poll, dict):
        return
    ways = [name for name in ("url", "prometheus", "sql") if name in poll]
    if len(ways) != 1:
        message = "a poll has one source" + (f", not {', '.join(ways)}" if ways else "")
        yield _Fault(
            "CEP129", ("trigger", "poll"), message, "give one of url, prometheus, or datasource with sql", "first_key"
        )
    elif ways == ["sql"] and "datasource" not in poll:
        yield _Fault("CEP129", ("trigger", "poll"), "sql needs a datasource", "add datasource: NAME", "first_key")


def _window(view: _View) -> Iterator[_Fault]:
    window = view.rule.get("window")
    if not isinstance(window, dict):
        return
    for name in ("size", "slide", "timeout"):
        if view.meant(("window", name)) == 0:
            yield _Fault("CEP122", ("window", name), f"{name} is zero", "write a duration such as 5m")
    size, slide = view.meant(("window", "size")), view.meant(("window", "slide"))
    if size and slide and size % slide:
        help = f"write a slide that divides {window['size']}"
        yield _Fault("CEP122", ("window", "slide"), "the size of the window is not a multiple of its slide", help)
    if "timezone" in window and window.get("align") != "calendar":
        yield _Fault("CEP122", ("window", "timezone"), "timezone needs align: calendar", "add align: calendar", "key")


def _having(view: _View) -> Iterator[_Fault]:
    if "having" in view.rule and "aggregate" not in view.rule:
        help = "add aggregate: {samples: {fn: count}}, or write when"
        yield _Fault("CEP123", ("having",), "having needs an aggregate to compare", help, "key")
    if "aggregate" in view.rule and "window" not in view.rule:
        help = "add window: {type: tumbling, size: 5m}"
        yield _Fault("CEP123", ("aggregate",), "aggregate needs a window to count over", help, "key")


def _sequence(view: _View) -> Iterator[_Fault]:
    steps = _trigger(view, "sequence").get("steps")
    if not isinstance(steps, list):
        return
    ids: set[str] = set()
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            continue
        path: Path = ("trigger", "steps", index)
        role = next((name for name in ("not", "absent") if name in step), None)
        if role is not None and len(step) > 1:
            yield _Fault("CEP126", path, f"a step with {role} has no other field", "make them two steps", "first_key")
        if role == "absent" and index != len(steps) - 1:
            yield _Fault("CEP126", (*path, role), "absent can only be the last step", "use not between steps", "key")
        if role == "not" and index in (0, len(steps) - 1):
            help = "put it between two steps; at the end use absent"
            yield _Fault("CEP126", (*path, role), "not stands between two steps", help, "key")
        if role == "absent" and index == 0:
            yield _Fault("CEP126", (*path, role), "a sequence begins with an event", "use a trigger absence", "key")
        name = step.get("id")
        if isinstance(name, str):
            if name in ids:
                yield _Fault("CEP126", (*path, "id"), f"the step {name!r} is given twice", "give it another id")
            ids.add(name)


def _priority(view: _View) -> Iterator[_Fault]:
    if view.rule.get("priority") != "P1":
        return
    lacking = [] if "owner" in view.rule or view.pack_owner is not None else ["owner"]
    lacking += [] if "backup_owner" in view.rule else ["backup_owner"]
    if lacking:
        message = f"a rule of priority P1 needs {' and '.join(lacking)}"
        yield _Fault("CEP130", ("priority",), message, f"add {lacking[0]}: who@example.com, or lower the priority")
