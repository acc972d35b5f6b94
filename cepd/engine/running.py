"""A rule at work: what is compiled of it, remembered of it and counted about it."""

import msgspec

from cepd.engine.program import CompiledRule
from cepd.engine.state import RuleState
from cepd.engine.stats import RuleStats
from cepd.engine.watch import Watch
from cepd.model.rule import Rule


class Running(msgspec.Struct):
    """`position` is the rule's place in the program; `unseen` the fields that it names and no event had so far;
    `watch` the keys that it follows, of a rule without a unit that has holds or episodes. The rest says again, closer
    at hand, what is compiled."""

    compiled: CompiledRule
    position: int
    state: RuleState
    stats: RuleStats
    unseen: set[str]
    watch: Watch | None = None
    rule: Rule = None  # type: ignore[assignment]
    by_clock: bool = False
    plain: bool = False
    """Every true evaluation fires, and a false one is nothing to it."""

    def __post_init__(self) -> None:
        self.rule = self.compiled.rule
        self.by_clock = self.rule.time == "arrival"
        self.plain = not self.compiled.episodic


def failed(running: Running, error: Exception) -> None:
    """A rule's failure is counted, and the last one shown."""
    running.stats.errors += 1
    running.stats.last_error = f"{type(error).__name__}: {error}"
