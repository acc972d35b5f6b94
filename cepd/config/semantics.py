"""What a schema cannot say: fields of a rule that need, or exclude, one another."""

import keyword
from collections.abc import Iterator, Mapping
from typing import Any

from cepd.config.findings import At, Findings
from cepd.config.pointers import Path
from cepd.config.semantics_happenings import check_happenings
from cepd.config.semantics_triggers import OWN_STATE, TRIGGER_TESTS
from cepd.config.view import Fault, View
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.templating.names import RESERVED

MOST_PANES = 20_000
"""Panes of a sliding window: after a gap in the events each is looked at, for each key."""


def check_rule(path: Path, meant: Mapping[Path, Any], findings: Findings) -> None:
    """Adds what does not fit together in the rule at a path."""
    rule = findings.data["rules"][path[1]]
    view = View(rule, lambda below: meant.get((*path, *below)), findings.data.get("owner"))
    for test in (_metric, _poll, _window, _having, _names, _priority, check_happenings, *TRIGGER_TESTS):
        for fault in test(view):
            findings.add(fault.code, (*path, *fault.path), fault.message, fault.help, at=fault.at)


_THRESHOLD = ("metric", "op", "threshold")


def _metric(view: View) -> Iterator[Fault]:
    trigger = view.trigger("metric")
    given = [name for name in _THRESHOLD if name in trigger]
    lacking = [name for name in _THRESHOLD if name not in trigger]
    if not trigger:
        return
    if given and "window" in view.rule:
        message = f"{', '.join(given)} cannot stand beside a window: it is not said which value is meant"
        help = "name an aggregate and compare it: having: avg_cpu > 85"
        yield Fault("CEP125", ("trigger", given[0]), message, help, "key")
    elif given and lacking:
        message = f"a metric trigger with {', '.join(given)} needs {', '.join(lacking)} too"
        yield Fault(
            "CEP124", ("trigger",), message, "give metric, op and threshold, or none and write when", "first_key"
        )
    elif not given and "when" not in view.rule and trigger.get("event_type") != []:
        message = "the metric trigger says nothing to look for"
        yield Fault("CEP124", ("trigger",), message, "give metric, op and threshold, or write when", "first_key")


def _poll(view: View) -> Iterator[Fault]:
    poll = view.trigger("metric").get("poll")
    if not isinstance(poll, dict):
        return
    ways = [name for name in ("url", "prometheus", "sql") if name in poll]
    if len(ways) != 1:
        message = "a poll has one source" + (f", not {', '.join(ways)}" if ways else "")
        yield Fault(
            "CEP129", ("trigger", "poll"), message, "give one of url, prometheus, or datasource with sql", "first_key"
        )
    elif ways == ["sql"] and "datasource" not in poll:
        yield Fault("CEP129", ("trigger", "poll"), "sql needs a datasource", "add datasource: NAME", "first_key")


def _window(view: View) -> Iterator[Fault]:
    window = view.rule.get("window")
    if not isinstance(window, dict):
        return
    size, slide = view.meant(("window", "size")), view.meant(("window", "slide"))
    if size and slide and size % slide:
        help = f"write a slide that divides {window['size']}"
        yield Fault("CEP122", ("window", "slide"), "the size of the window is not a multiple of its slide", help)
    elif size and slide and size // slide > MOST_PANES:
        message = f"the window is cut into {size // slide:,} panes, one for each slide"
        yield Fault(
            "CEP122", ("window", "slide"), message, f"write a longer slide: it takes at most {MOST_PANES:,} panes"
        )
    if window.get("align") == "calendar":
        yield from _calendar(size)
    elif "timezone" in window:
        yield Fault("CEP122", ("window", "timezone"), "timezone needs align: calendar", "add align: calendar", "key")


def _calendar(size: Span | None) -> Iterator[Fault]:
    from cepd.engine.calendar import calendar_fault

    fault = calendar_fault(size) if size else None
    if fault is not None:
        yield Fault("CEP122", ("window", "size"), fault, "take one of them, or leave align out")


def _having(view: View) -> Iterator[Fault]:
    if view.trigger_type in OWN_STATE:
        return
    if "having" in view.rule and "aggregate" not in view.rule:
        help = "add aggregate: {samples: {fn: count}}, or write when"
        yield Fault("CEP123", ("having",), "having needs an aggregate to compare", help, "key")
    if "aggregate" in view.rule and "window" not in view.rule:
        help = "add window: {type: tumbling, size: 5m}"
        yield Fault("CEP123", ("aggregate",), "aggregate needs a window to count over", help, "key")


def _names(view: View) -> Iterator[Fault]:
    """Of what firings bring along: conditions and texts must be able to say them."""
    steps = view.trigger("sequence").get("steps")
    named: list[tuple[Path, Json, At]] = [
        (("trigger", "steps", index, "id"), step.get("id"), "value")
        for index, step in enumerate(steps if isinstance(steps, list) else ())
        if isinstance(step, dict)
    ]
    aggregate = view.rule.get("aggregate")
    named += [(("aggregate", name), name, "key") for name in (aggregate if isinstance(aggregate, dict) else ())]
    for path, name, at in named:
        if not isinstance(name, str):
            continue
        if keyword.iskeyword(name):
            yield Fault(
                "CEP136", path, f"{name!r} is a word of conditions, which cannot name it", "take another name", at
            )
        if name in RESERVED:
            message = f"{name!r} means something else in the texts of every rule"
            yield Fault("CEP136", path, message, "take another name", at)


def _priority(view: View) -> Iterator[Fault]:
    if view.rule.get("priority") != "P1":
        return
    lacking = [] if "owner" in view.rule or view.pack_owner is not None else ["owner"]
    lacking += [] if "backup_owner" in view.rule else ["backup_owner"]
    if lacking:
        message = f"a rule of priority P1 needs {' and '.join(lacking)}"
        yield Fault("CEP130", ("priority",), message, f"add {lacking[0]}: who@example.com, or lower the priority")
