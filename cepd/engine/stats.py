"""What the engine counts: plain integers, read when somebody looks. Nothing here changes a result."""

from collections.abc import Iterable

import msgspec

from cepd.engine.decode import DecodeCounts
from cepd.engine.unit import UnitCounts


class RuleStats(msgspec.Struct):
    matched: int = 0
    """Events whose conditions held."""
    fired: int = 0
    """Firings of kind fired, before suppress and storm guard."""
    alerts: int = 0
    """Alerts opened, storm alerts too."""
    suppressed: int = 0
    """Firings that folded into the alert of a suppress window."""
    stormed: int = 0
    """Firings that the storm guard folded."""
    skipped_keys: int = 0
    """Matches without a firing because a group_by value was an object or a list."""
    refused_keys: int = 0
    """True evaluations of a key that no suppress window or episode had room for, with max_keys of them open. They
    fired at once and unsuppressed, those of a rule with `for` not at all."""
    continued: int = 0
    """True evaluations of open episodes."""
    muted: int = 0
    """Firings that nobody was told of, because the rule was disabled at run time."""
    errors: int = 0
    last_error: str = ""


class Stats(msgspec.Struct):
    decode: DecodeCounts
    events: int = 0
    targets: int = 0
    unknown_targets: int = 0
    """Targeted events for a rule that the program does not hold."""
    rules: dict[str, RuleStats] = msgspec.field(default_factory=dict)
    units: list[tuple[str, UnitCounts]] = msgspec.field(default_factory=list)
    """What was counted in the unit of each rule that has one; rules that share a unit share its counts."""

    def keep(self, rule_ids: Iterable[str]) -> None:
        """Goes on counting for these rules alone; new ones start at zero."""
        self.rules = {rule_id: self.rules.get(rule_id) or RuleStats() for rule_id in rule_ids}
