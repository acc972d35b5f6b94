"""Rules to a program that is ready to match, from nothing and after one of them changed, against loading their YAML."""

from collections.abc import Iterator

import msgspec

from cepd import plugins
from cepd.config.load import load
from cepd.engine.program import Program, compile_program
from cepd.model.rule import Rule
from tests.bench.events import TYPES, line_of
from tests.bench.measuring import Load, Size, costs
from tests.bench.mixes import MIXES
from tests.bench.packs import loaded, tree_of
from tests.bench.table import Row, multiple
from tests.support.rows import rule

ROUNDS = 1
"""Loading takes seconds."""


def rows(size: Size) -> Iterator[Row]:
    tree = tree_of(MIXES[0].rules(size.rules))
    rules = loaded(tree)
    assert len(rules) == size.rules
    before = ready(compile_program(rules))
    changed = [with_other_condition(rules[0]), *rules[1:]]
    loading, build, rebuild = costs(
        Load(1, lambda: lambda: load(tree, plugins.built())),
        Load(1, lambda: lambda: ready(compile_program(rules))),
        Load(1, lambda: lambda: ready(compile_program(changed, before))),
        rounds=ROUNDS,
    )
    of = f"loading {size.rules:,} rules"
    yield multiple(f"building, {of} from YAML", loading, loading, of)
    yield multiple(f"building, {size.rules:,} rules", build, loading, of)
    yield multiple("building, one of them changed", rebuild, loading, of)


def ready(program: Program) -> Program:
    """Has matched an event of each type."""
    program.matches(b"\n".join(line_of({"type": name}) for name in TYPES))
    return program


def with_other_condition(found: Rule) -> Rule:
    return msgspec.structs.replace(found, when=rule(when="value > 99.95").when)
