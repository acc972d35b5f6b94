"""Runs rule tests: the very engine of the daemon with a virtual clock, and nothing that acts.

Only the rules that a test names run, disabled or not.
"""

from collections.abc import Iterable, Iterator, Mapping, Set

import msgspec

from cepd.engine.standing import Standing
from cepd.engine.support import cannot_run, unsupported
from cepd.model.generation import Definition, Generation
from cepd.model.rule import Rule, Window
from cepd.model.ruletest import Case, ReloadStep, RuleTest
from cepd.runtime.expectations import Fact, Verdict, judge
from cepd.runtime.playback import Happening, Playback


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """`happenings` of a case that failed say why, for the rules that are concerned. `faults`: why it could not be run
    as it is written, or what of it failed within cepd, in words. `standings`: of its rules, before each restart and at
    its end."""

    test: RuleTest
    case: Case
    happenings: tuple[Happening, ...]
    verdict: Verdict
    faults: tuple[str, ...]
    standings: tuple[Mapping[str, Standing], ...]
    windows: tuple[Fact, ...]
    """Of a case that failed: every window that closed, whatever `having` said of it."""

    @property
    def passed(self) -> bool:
        return self.verdict.holds and not self.faults


def run_case(test: RuleTest, case: Case, generation: Generation) -> CaseResult:
    """Pure. Rules that the generation does not hold, or that cannot run, are faults of the result."""
    faults = tuple(_lacking(test, generation))
    if faults:
        return CaseResult(
            test=test, case=case, happenings=(), verdict=Verdict((), (), ()), faults=faults, standings=(), windows=()
        )
    run = Playback(test, case, generation, frozenset())
    facts = [fact for fact in run.facts() if fact.firing.kind != "continued"]
    verdict = judge(case.expect, facts, exact=case.exact)
    windows: list[Fact] = []
    if concerned := verdict.concerned:
        run = Playback(test, case, generation, concerned)
        windows = Playback(test, case, _without_having(generation, concerned), frozenset()).facts()
    return CaseResult(
        test=test,
        case=case,
        happenings=tuple(run.happenings),
        verdict=verdict,
        faults=tuple(run.faults()),
        standings=(*run.standings, run.standing()),
        windows=tuple(windows),
    )


def _lacking(test: RuleTest, generation: Generation) -> Iterator[str]:
    later = {found.rule.id for file in _reloads(test) for found in generation.versions.get(file, ())}
    for rule_id in test.rules:
        definition = generation.definition(rule_id)
        if definition is None and rule_id not in later:
            yield f"the rule {rule_id} is not there, or has errors: see cepd validate"
        elif definition is not None and (parts := unsupported(definition.rule)):
            yield f"{rule_id}: {cannot_run(', '.join(part.words for part in parts))}"
    for file in _reloads(test):
        if file not in generation.versions:
            yield f"there is no file {file} with rules to reload"


def _reloads(test: RuleTest) -> set[str]:
    return {step.file for case in test.cases for step in case.steps if isinstance(step, ReloadStep)}


def _without_having(generation: Generation, rules: Set[str]) -> Generation:
    """Those of the rules that have a window and a `having`, alone; they fire for every window that closes."""
    versions = {file: _bare(found, rules) for file, found in generation.versions.items()}
    return msgspec.structs.replace(generation, definitions=_bare(generation.definitions, rules), versions=versions)


def _bare(definitions: Iterable[Definition], rules: Set[str]) -> tuple[Definition, ...]:
    return tuple(
        msgspec.structs.replace(found, rule=_fires_at_each_window(found.rule, found.rule.window))
        for found in definitions
        if found.rule.window is not None and found.rule.having is not None and found.rule.id in rules
    )


def _fires_at_each_window(rule: Rule, window: Window) -> Rule:
    closing = msgspec.structs.replace(window, emit="close")
    return msgspec.structs.replace(rule, window=closing, having=None, hold=None, resolve=None, suppress=None)
