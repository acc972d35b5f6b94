"""Bare rules of the documents' dialect, and what came out of them."""

from typing import Any

from hypothesis import strategies as st

from cepd.config.dialect import Translation, translate

HOOK = {"type": "webhook", "endpoint": "https://hooks.example.com/x"}

AVERAGE = {"metric_name": "cpu", "op": ">", "threshold": 85, "aggregation": "avg", "duration": "5m"}


def bare(trigger_type: str = "metric", spec: Any = None, **fields: Any) -> Translation:
    given = {"rule_id": "r", "trigger_type": trigger_type, "action_spec": HOOK, **fields}
    return translate(given if spec is None else {**given, "trigger_spec": spec}, "stem")


def rule(translation: Translation) -> dict[str, Any]:
    found: dict[str, Any] = translation.document["rules"][0]
    return found


def found(translation: Translation) -> list[tuple[str, str]]:
    """Code and pointer of each finding."""
    return [(finding.code, finding.pointer) for finding in translation.findings]


def trees_of(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Leaves, and groups of leaves and groups."""
    return st.recursive(
        leaves,
        lambda some: st.builds(
            lambda conditions, logic: {"conditions": conditions, "logic": logic},
            st.lists(some, min_size=1, max_size=3),
            st.sampled_from(["AND", "OR", "NOT"]),
        ),
        max_leaves=6,
    )
