"""The rules that people copy are tested, and their tests notice when anything of them is broken."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from cepd.config.load import load
from cepd.config.tree import Tree, read_tree
from cepd.model.generation import Definition, Generation
from cepd.model.ruletest import Case, RuleTest
from cepd.plugins import built, plugin
from cepd.runtime.alerts import recording_of
from cepd.runtime.deployment import deploy
from cepd.runtime.machine import Applied
from cepd.runtime.ruletest import run_case
from cepd.runtime.timeline import render_failure
from cepd.telemetry.metrics import Metrics
from tests.support.mutations import ELSEWHERE, Mutation, mutations
from tests.support.tools import real_tools

ROOT = Path(__file__).parents[2]
NAMES = ("examples", "rulepacks")


class Shipped(NamedTuple):
    """A rule that is shipped, in the tree that it comes with."""

    generation: Generation
    tree: Tree
    definition: Definition

    def tests(self) -> Iterator[tuple[RuleTest, Case]]:
        for test in self.generation.tests:
            if self.definition.rule.id in test.rules:
                yield from ((test, case) for case in test.cases)


@cache
def shipped() -> tuple[Shipped, ...]:
    found = []
    for name in NAMES:
        tree = read_tree(ROOT / name)
        generation = load(tree, built())
        found += [Shipped(generation, tree, definition) for definition in generation.definitions]
    return tuple(found)


def named(one: Shipped) -> str:
    return one.definition.rule.id


def fires(case: Case, rule: str) -> bool:
    return any(one.rule == rule and one.kind == "fired" and one.times for one in case.expect)


def all_cases() -> Iterator[Any]:
    for generation in {id(one.generation): one.generation for one in shipped()}.values():
        for test in generation.tests:
            for case in test.cases:
                yield pytest.param(generation, test, case, id=f"{test.file}: {case.name}")


@pytest.mark.parametrize(("generation", "test", "case"), list(all_cases()))
def test_a_shipped_rule_does_what_its_tests_say(generation: Generation, test: RuleTest, case: Case) -> None:
    result = run_case(test, case, generation)
    assert result.passed, "\n".join(render_failure(result))


@pytest.mark.parametrize("one", shipped(), ids=named)
def test_a_shipped_rule_is_told_when_to_fire_and_when_not(one: Shipped) -> None:
    expected = [fires(case, one.definition.rule.id) for _, case in one.tests() if case.exact]
    assert True in expected
    assert False in expected


@pytest.mark.parametrize("one", shipped(), ids=named)
def test_a_shipped_rule_runs_and_says_what_it_is_for(one: Shipped) -> None:
    document, rule = one.definition.document, one.definition.rule
    assert one.definition.active, one.definition.reason
    assert document["name"]
    assert document["description"]
    assert rule.owner
    assert document["runbook"].startswith("https://wiki.example.com/runbooks/")
    assert all(action["message"] for action in document["actions"] if action["type"] == "notify")


@pytest.mark.parametrize("one", shipped(), ids=named)
def test_the_texts_of_a_shipped_rule_hold_what_they_name(one: Shipped) -> None:
    texts = list(texts_of(one))
    assert any("its own text failed" not in text for text in texts), texts
    assert not any(re.search(r"\d\.0 [^%]", text) for text in texts), "numbers for people"


def texts_of(one: Shipped) -> Iterator[str]:
    """What the rule's tests make it tell, each firing by itself."""
    deployment = deploy(one.generation, "as shipped", None, modules=plugin, tools=real_tools())
    for test, case in one.tests():
        for happening in run_case(test, case, one.generation).happenings:
            for firing in (fact.firing for fact in happening.facts if fact.firing.kind == "fired" and fact.actions):
                recording = recording_of([Applied(1, [firing], deployment)], firing.time, Metrics())
                yield from (json.loads(one.request)["message"] for one in recording.drafts if one.type == "notify")


def all_mutations() -> Iterator[Any]:
    for one in shipped():
        for mutation in mutations(one.definition.document):
            yield pytest.param(one, mutation, id=f"{named(one)} {mutation.name}")


@pytest.mark.parametrize(("one", "mutation"), list(all_mutations()))
def test_a_broken_rule_fails_its_tests_and_the_timeline_shows_where(one: Shipped, mutation: Mutation) -> None:
    broken = broken_generation(one, mutation)
    results = (run_case(test, case, broken) for test, case in one.tests())
    failed = next((result for result in results if not result.passed), None)
    assert failed is not None, f"nothing notices {mutation.name} of {named(one)}"
    said = "\n".join(render_failure(failed))
    assert "what happened:" in said
    assert named(one) in said


def broken_generation(one: Shipped, mutation: Mutation) -> Generation:
    """As the tree, with the broken rule alone: read and checked as any other."""
    pack = {"kind": "RulePack", "name": "broken", "owner": one.definition.rule.owner, "rules": [mutation.document]}
    elsewhere = {"kind": "Channel", "name": ELSEWHERE, "type": "webhook", "url": {"env": "ELSEWHERE"}}
    others = {file: data for file, data in one.tree.files.items() if b"kind: Channel" in data or file == "cepd.yaml"}
    files = {**others, "broken.json": msgspec.json.encode(pack), "elsewhere.json": msgspec.json.encode(elsewhere)}
    loaded = load(Tree(root=one.tree.root, files=files), built())
    errors = [problem.message for problem in loaded.problems if problem.severity == "error"]
    assert not errors, "a rule that does not validate proves nothing about its tests"
    assert loaded.definitions
    return loaded


def test_every_part_of_a_rule_is_broken_somewhere() -> None:
    broken: Counter[str] = Counter()
    for one in shipped():
        names = [mutation.name for mutation in mutations(one.definition.document)]
        assert len(names) == len(set(names)), named(one)
        assert len(names) > 4, named(one)
        broken.update({name.partition(":")[0].partition(".")[0] for name in names})
    assert broken.keys() == {
        *("trigger", "when", "having", "window", "aggregate", "group_by"),
        *("for", "resolve", "suppress", "max_alerts", "actions"),
    }
    assert min(broken.values()) > 3, broken
