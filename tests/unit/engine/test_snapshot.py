"""Snapshots: what they refuse. That they change nothing is a property in `test_engine`."""

import msgspec
import pytest

from cepd.engine.engine import Engine
from cepd.engine.rows import Tick
from cepd.engine.snapshot import FORMAT
from cepd.model.errors import InputError
from cepd.model.rule import Suppress
from tests.support.rows import START, S, batch, line, program, rule, run

RULE = rule(group_by=("host",), suppress=Suppress(60 * S))


def test_keys_of_every_kind_come_back() -> None:
    hosts = ["a", 1, 1.5, True, None, 10**300, "é" * 300, '"]']
    compiled = program(RULE)
    engine = Engine(compiled)
    run(engine, [batch(compiled, 0, *(line(0, host=host) for host in hosts for _ in range(2)))])
    restored = Engine.restore(compiled, engine.snapshot())
    assert restored.snapshot() == engine.snapshot()
    end = [Tick(START + 500 * S)]
    summaries = run(restored, end)
    assert len(summaries) == len(hosts)
    assert summaries == run(engine, end)


def test_a_fresh_engine_has_a_snapshot_too() -> None:
    compiled = program(RULE)
    assert Engine.restore(compiled, Engine(compiled).snapshot()).next_deadline() is None


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"format":"1"}', b"\xff\xfe"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="no snapshot"):
        Engine.restore(program(RULE), data)


def test_a_snapshot_of_another_format_is_refused_by_its_number() -> None:
    data = msgspec.json.decode(Engine(program(RULE)).snapshot())
    data["format"] = FORMAT + 1
    with pytest.raises(InputError, match=f"has format {FORMAT + 1}, this cepd reads {FORMAT}"):
        Engine.restore(program(RULE), msgspec.json.encode(data))


def test_a_snapshot_of_other_rules_is_refused_by_name() -> None:
    data = Engine(program(RULE)).snapshot()
    for other in (program(), program(rule(group_by=("zone",)))):
        with pytest.raises(InputError, match="another form of rule r"):
            Engine.restore(other, data)
    assert Engine.restore(program(rule(group_by=("host",), description="x"), rule("more")), data)
