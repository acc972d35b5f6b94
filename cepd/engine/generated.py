"""The generated code that stands for one rule of a program."""

from typing import NamedTuple

from cepd.engine.matching.listing import Listed, list_code
from cepd.engine.program import Program


class Generated(NamedTuple):
    """What runs for a rule at events of one type; None: at every event. `conditions`: how many the code tests in all;
    `speaker`: the rule whose condition it is, another one where both have one unit."""

    event_type: str | None
    conditions: int
    speaker: str
    functions: list[Listed]


def generated_for(program: Program, rule_id: str) -> list[Generated]:
    """By event type; empty where the rule sees no events. KeyError for a rule that does not run."""
    unit = program.compiled[rule_id].unit
    ids = list(program.compiled)
    position = program.positions[rule_id] if unit is None else program.units[program.places[unit]].members[0]
    return [
        Generated(
            event_type,
            len(bucket.positions),
            ids[position],
            list_code(bucket.node, bucket.positions.index(position), ids[position]),
        )
        for event_type, bucket in program.buckets.items()
        if position in bucket.positions
    ]
