"""The table of conditions in tests/spec, row by row, through every evaluator."""

from pathlib import Path

import pytest
import yaml

from cepd.engine.conditions import compile_condition
from cepd.engine.reference import evaluate
from cepd.engine.trace import trace
from cepd.engine.trees import read_condition

ROWS = yaml.safe_load((Path(__file__).parents[2] / "spec/conditions.yaml").read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['when']} on {row['event']}")
def test_row(row):
    condition = read_condition(row["when"])
    found = {
        "reference": evaluate(condition, row["event"]),
        "compiled": compile_condition(condition)(row["event"]),
        "trace": trace(condition, row["event"]).result,
    }
    assert found == dict.fromkeys(found, row["holds"]), row["why"]
