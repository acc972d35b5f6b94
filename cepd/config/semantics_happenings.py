"""Types of cepd's own happenings that rules name: nobody else may send such, so a wrong one would never be heard."""

from collections.abc import Iterator
from typing import get_args

from cepd.config.pointers import Path
from cepd.config.view import Fault, View
from cepd.model.happenings import HappeningType, is_own
from cepd.model.json import Json
from cepd.model.spelling import did_you_mean

_STEPS = ("not", "absent")


def check_happenings(view: View) -> Iterator[Fault]:
    known = get_args(HappeningType)
    for path, name in _named(view.rule.get("trigger"), ("trigger",)):
        if is_own(name) and name not in known:
            yield Fault("CEP138", path, f"cepd sends no events of the type {name!r}", did_you_mean(str(name), known))


def _named(holder: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    """The event types that a trigger, or what is inside it, names."""
    if not isinstance(holder, dict):
        return
    given = holder.get("event_type")
    if isinstance(given, list):
        yield from (((*path, "event_type", index), name) for index, name in enumerate(given))
    else:
        yield (*path, "event_type"), given
    for name in _STEPS:
        yield from _named(holder.get(name), (*path, name))
    steps = holder.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        yield from _named(step, (*path, "steps", index))
