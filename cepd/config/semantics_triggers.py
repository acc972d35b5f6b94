"""What a schema cannot say of triggers that remember events by themselves: their own fields, and those of the rule that
they exclude."""

from collections.abc import Callable, Iterator, Mapping

from cepd.config.pointers import Path
from cepd.config.schemas import METHODS, typed
from cepd.config.view import Fault, View
from cepd.model.duration import format_duration
from cepd.model.rule import AbsenceTrigger

OWN_STATE: Mapping[str, str] = {
    "absence": "the silence is its timeout",
    "anomaly": "the baseline is its window",
    "new_value": "the values that it has seen are kept for its ttl",
    "schedule": "it has no events; write the window in a rule of its own",
    "sequence": "write within, and count in a step",
}
"""Triggers that no window stands beside, and what to write instead."""

_NO_HOLD: Mapping[str, str] = {
    "absence": "make timeout longer",
    "new_value": "leave it out: a value is new at once or not at all",
    "schedule": "leave it out: a time of the clock has no length",
    "sequence": "write within, or end the steps with absent",
}
_NEVER_FALSE = ("new_value", "schedule", "sequence")


def _window(view: View) -> Iterator[Fault]:
    instead = OWN_STATE.get(view.trigger_type)
    field = next((name for name in ("window", "aggregate", "having") if name in view.rule), None)
    if instead is not None and field is not None:
        yield Fault("CEP133", (field,), f"{field} cannot stand beside a trigger {view.trigger_type}", instead, "key")


def _episode(view: View) -> Iterator[Fault]:
    kind = view.trigger_type
    if "for" in view.rule and kind in _NO_HOLD:
        yield Fault("CEP132", ("for",), f"for cannot stand beside a trigger {kind}", _NO_HOLD[kind], "key")
    if view.rule.get("resolve") is True and kind in _NEVER_FALSE:
        message = f"a trigger {kind} never turns false, so nothing would end the alert"
        yield Fault("CEP132", ("resolve",), message, "say after how much silence: resolve: {after: 15m}")


def _anomaly(view: View) -> Iterator[Fault]:
    trigger = view.trigger("anomaly")
    method = trigger.get("method", "auto")
    fields = typed("trigger", "anomaly")["properties"]
    if method not in fields["method"]["enum"]:
        return
    for name in trigger:
        methods = fields.get(name, {}).get(METHODS, (method,))
        if method not in methods:
            own = [known for known, field in fields.items() if method in field.get(METHODS, ())]
            help = f"it is of {', '.join(methods)}; {method} has {', '.join(own) if own else 'none of its own'}"
            yield Fault("CEP134", ("trigger", name), f"the method {method} has no {name}", help, "key")


def _absence(view: View) -> Iterator[Fault]:
    trigger = view.trigger("absence")
    timeout = view.meant(("trigger", "timeout"))
    if not trigger or timeout is None or ("forget" in trigger and view.meant(("trigger", "forget")) is None):
        return
    forget = view.meant(("trigger", "forget")) or AbsenceTrigger(timeout).forget
    if forget <= timeout:
        message = (
            f"a key is forgotten after {format_duration(forget)}, before its timeout of {trigger['timeout']} is over"
        )
        at = "forget" if "forget" in trigger else "timeout"
        yield Fault("CEP135", ("trigger", at), message, "write a forget that is longer than timeout")


def _runs(view: View) -> Iterator[Fault]:
    trigger = view.trigger("sequence")
    if "max_runs" in trigger and trigger.get("runs") != "all":
        message = "max_runs says nothing of one run at a time"
        yield Fault("CEP126", ("trigger", "max_runs"), message, "add runs: all, or leave it out", "key")


def _sequence(view: View) -> Iterator[Fault]:
    steps = view.trigger("sequence").get("steps")
    if not isinstance(steps, list):
        return
    any_order = view.trigger("sequence").get("order") == "any"
    ids: set[str] = set()
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            continue
        path: Path = ("trigger", "steps", index)
        role = next((name for name in ("not", "absent") if name in step), None)
        if role is not None and len(step) > 1:
            yield Fault("CEP126", path, f"a step with {role} has no other field", "make them two steps", "first_key")
        if role == "not" and any_order:
            help = "leave order: any out, or the step"
            yield Fault("CEP126", (*path, role), "not stands between two steps, which have no order here", help, "key")
        if role == "absent" and index != len(steps) - 1:
            yield Fault("CEP126", (*path, role), "absent can only be the last step", "use not between steps", "key")
        if role == "not" and index in (0, len(steps) - 1):
            help = "put it between two steps; at the end use absent"
            yield Fault("CEP126", (*path, role), "not stands between two steps", help, "key")
        if role == "absent" and index == 0:
            yield Fault("CEP126", (*path, role), "a sequence begins with an event", "use a trigger absence", "key")
        name = step.get("id")
        if isinstance(name, str):
            if name in ids:
                yield Fault("CEP126", (*path, "id"), f"the step {name!r} is given twice", "give it another id")
            ids.add(name)


TRIGGER_TESTS: tuple[Callable[[View], Iterator[Fault]], ...] = (
    _window,
    _episode,
    _anomaly,
    _absence,
    _runs,
    _sequence,
)
