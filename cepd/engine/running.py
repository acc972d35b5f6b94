"""A rule at work: what is compiled of it, remembered of it and counted about it."""

import msgspec

from cepd.engine.program import CompiledRule
from cepd.engine.state import RuleState
from cepd.engine.stats import RuleStats
from cepd.model.rule import Rule


class Running(msgspec.Struct):
    """`position` is the rule's place in the program."""

    compiled: CompiledRule
    position: int
    state: RuleState
    stats: RuleStats

    @property
    def rule(self) -> Rule:
        return self.compiled.rule

    @property
    def by_clock(self) -> bool:
        return self.rule.time == "arrival"
