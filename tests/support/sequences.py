"""Short ways to write sequences in tests."""

from cepd.engine.evaluation import Evaluation
from cepd.engine.expressions import parse_expression
from cepd.model.rule import Rule, SequenceTrigger, Step
from tests.support.rows import S, rule


def step(text: str, when: str | None = None) -> Step:
    """`A`, `A*2`, `fail:A*5`, `not C`, `absent C`, `any`."""
    role, _, rest = text.rpartition(" ")
    name, _, wanted = rest.rpartition(":")
    event_type, _, count = wanted.partition("*")
    return Step(
        id=name or None,
        role=role or "event",
        event_type=None if event_type == "any" else (event_type,),
        when=None if when is None else parse_expression(when),
        count=int(count or 1),
    )


def sequence(*steps: str | Step, within: float = 10, rule_id: str = "r", **parts: object) -> Rule:
    """Parts of the trigger (order, runs, max_runs) and of the rule."""
    own = {name: parts.pop(name) for name in ("order", "runs", "max_runs") if name in parts}
    given = tuple(step(found) if isinstance(found, str) else found for found in steps)
    return rule(rule_id, trigger=SequenceTrigger(round(within * S), given, **own), **parts)


def numbers(found: list[Evaluation]) -> list[tuple[int, ...]]:
    """Which events matched, by their running numbers, from 1."""
    return [tuple(int(event_id.removeprefix("j#")) for event_id in one.event_ids) for one in found]
