"""A rule at work: what is compiled of it, remembered of it and counted about it."""

from collections.abc import Mapping

import msgspec

from cepd.engine.paths import MISSING, lookup
from cepd.engine.program import CompiledRule
from cepd.engine.state import RuleState
from cepd.engine.stats import RuleStats
from cepd.model.json import Json
from cepd.model.rule import Rule


class Running(msgspec.Struct):
    """`position` is the rule's place in the program; `unseen` the fields that it names and no event had so far."""

    compiled: CompiledRule
    position: int
    state: RuleState
    stats: RuleStats
    unseen: set[str]

    @property
    def rule(self) -> Rule:
        return self.compiled.rule

    @property
    def by_clock(self) -> bool:
        return self.rule.time == "arrival"

    def look_for_unseen(self, fields: Mapping[str, Json]) -> None:
        self.unseen = {path for path in self.unseen if lookup(fields, path) is MISSING}
