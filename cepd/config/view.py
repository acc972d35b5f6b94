"""One rule as the tests of `semantics` see it, and what they say of it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cepd.config.findings import At
from cepd.config.pointers import Path
from cepd.model.json import Json


class Fault(NamedTuple):
    code: str
    path: Path
    message: str
    help: str
    at: At = "value"


class View(NamedTuple):
    """One rule: as written, with what its values mean (by path below the rule), and its pack's owner."""

    rule: Mapping[str, Json]
    meant: Callable[[Path], Any]
    pack_owner: Json

    @property
    def trigger_type(self) -> str:
        """Empty where the rule does not say it in a text."""
        trigger = self.rule.get("trigger")
        kind = trigger.get("type") if isinstance(trigger, dict) else None
        return kind if isinstance(kind, str) else ""

    def trigger(self, kind: str) -> Mapping[str, Json]:
        """The rule's trigger if it is of that type, else nothing."""
        trigger: Mapping[str, Json] = self.rule["trigger"] if self.trigger_type == kind else {}
        return trigger
