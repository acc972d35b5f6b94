"""Views by event type see what views of one struct see; which of the two a program has, its rules decide."""

import random

import msgspec
import pytest

from cepd.engine import wide
from cepd.engine.engine import Engine
from cepd.engine.projection import Projection
from cepd.engine.rows import Lines
from cepd.engine.wide import MOST_NAMES, ByType, project
from cepd.model.duration import MINUTE
from cepd.model.firing import Firing
from cepd.model.rule import Aggregate, EventTrigger, Rule, Window
from tests.support.rows import START, S, program, rule


def rules() -> list[Rule]:
    """Sixty fields over six types, some seen by every event, one below another."""
    of_types = [
        rule(f"r{n}", f"f{n} > 3 or g.f{n} == 'x'", trigger=EventTrigger((f"t{n % 6}",)), group_by=(f"k{n % 4}",))
        for n in range(60)
    ]
    window = Window("tumbling", size=MINUTE)
    summed = rule("w", window=window, aggregate={"s": Aggregate("sum", "f1")}, group_by=("k0",))
    return [*of_types, rule("every", "f2 > 5 and type != 't1'"), rule("sent", "source == 'x'"), summed]


def body(seed: int) -> bytes:
    dice = random.Random(seed)
    lines = []
    for number in range(300):
        names = dice.sample(range(60), 8)
        fields: dict[str, object] = {f"f{name}": dice.choice([1, 4, 6.5, "x", None, True]) for name in names}
        fields |= {f"k{dice.randrange(4)}": dice.choice(["a", "b", 1])}
        fields["g"] = dice.choice([{f"f{names[0]}": "x"}, 7, None, {"f1": [1]}])
        fields |= dice.choice([{"type": f"t{dice.randrange(8)}"}, {"event_type": "t1"}, {}, {"type": 5}])
        fields |= {"time": (START + number * S) / S}
        fields |= dice.choice([{}, {}, {"source": "x"}])
        lines.append(msgspec.json.encode(fields))
    lines[17] = b'{"type":"t1","f1":1e999,"f7":9,"k0":"a"}'
    return b"\n".join(lines)


def fired(text: bytes) -> tuple[list[Firing], list[tuple[int, list[int]]], type]:
    compiled = program(*rules())
    engine = Engine(compiled)
    found = engine.apply(Lines(START + 300 * S, "http", text, "tests", "j", 1))
    return [*found, *engine.flush()], compiled.matches(text), type(compiled.projection)


@pytest.mark.parametrize("seed", range(5))
def test_by_type_or_all_in_one_the_firings_are_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    *found, kind = fired(body(seed))
    assert kind is ByType
    monkeypatch.setattr(wide, "MOST_NAMES", 1000)
    *one, kind = fired(body(seed))
    assert kind is Projection
    assert found == one
    assert len(found[0]) > 100


def test_one_struct_as_long_as_it_is_the_cheaper() -> None:
    few = [f"f{number}" for number in range(MOST_NAMES - 7)]
    assert type(project({"t": few})) is Projection
    assert type(project({"t": few, "u": ["f0.x", "f1"]})) is Projection
    assert type(project({"t": few, "u": ["more"]})) is ByType
