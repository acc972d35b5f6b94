"""The canonical form of a rule pack: one order of fields, conditions as one line, nothing that is a default.

The form does not depend on where the pack will stand. It is for packs without an error.
"""

from collections.abc import Iterable
from typing import TypeVar

from cepd.config.yaml_text import write_yaml
from cepd.engine.expressions import MAX_LENGTH, format_expression, parse_expression
from cepd.engine.trees import read_condition
from cepd.model.errors import ExpressionError
from cepd.model.json import Json

_PACK = ("kind", "name", "description", "owner", "rules")
_RULE = (
    "id",
    "name",
    "description",
    "severity",
    "priority",
    "owner",
    "backup_owner",
    "runbook",
    "rollback",
    "tags",
    "enabled",
    "trigger",
    "enrich",
    "when",
    "group_by",
    "window",
    "aggregate",
    "having",
    "for",
    "resolve",
    "suppress",
    "concurrency",
    "timeout",
    "max_keys",
    "max_alerts",
    "time",
    "actions",
)
_ACTION = (
    "type",
    "description",
    "endpoint",
    "method",
    "api_id",
    "rule_id",
    "channels",
    "message",
    "payload",
    "headers",
    "params",
    "input",
    "body",
    "target",
    "secret",
    "timeout",
    "retry",
    "circuit_breaker",
    "fallback_channel",
    "actions",
)
_DEFAULTS: dict[str, Json] = {
    "enabled": True,
    "concurrency": "queue",
    "timeout": "5s",
    "max_alerts": 100,
    "time": "event",
}
_BLOCKS = frozenset(("rules", "steps", "actions", "aggregate"))
"""Fields whose items have a line each, however short."""

_Value = TypeVar("_Value")


def rule_in_order(rule: dict[str, _Value]) -> dict[str, _Value]:
    """The fields of a rule in canonical order, others behind them."""
    return _in_order(rule, _RULE)


def canonical(document: dict[str, Json]) -> dict[str, Json]:
    """The canonical form of a rule pack's document. ConditionError for a condition that is none."""
    return _in_order({**document, "rules": [canonical_rule(rule) for rule in document["rules"]]}, _PACK)


def to_yaml(document: dict[str, Json]) -> str:
    """The YAML text of `canonical(document)`."""
    return write_yaml(canonical(document), blocks=_BLOCKS)


def canonical_rule(rule: dict[str, Json]) -> dict[str, Json]:
    """The canonical form of one rule of a pack. ConditionError for a condition that is none."""
    given = {name: value for name, value in rule.items() if not _is_default(rule, name, value)}
    given["actions"] = [_action(action) for action in rule["actions"]]
    trigger = given["trigger"]
    if "steps" in trigger:
        given["trigger"] = {**trigger, "steps": [_step(step) for step in trigger["steps"]]}
    return _in_order(_with_lines(given), _RULE)


def _is_default(rule: dict[str, Json], name: str, value: Json) -> bool:
    default = rule["id"] if name == "name" else _DEFAULTS.get(name)
    return value.__class__ is default.__class__ and value == default


def _step(step: dict[str, Json]) -> dict[str, Json]:
    roles: dict[str, Json] = {role: _with_lines(step[role]) for role in ("not", "absent") if role in step}
    return _with_lines({**step, **roles})


def _action(action: dict[str, Json]) -> dict[str, Json]:
    if action.get("type") == "multi_action":
        action = {**action, "actions": [_action(one) for one in action["actions"]]}
    return _in_order(action, _ACTION)


def _with_lines(members: dict[str, Json]) -> dict[str, Json]:
    lines: dict[str, Json] = {name: _line(members[name]) for name in ("when", "having") if name in members}
    return {**members, **lines}


def _line(condition: Json) -> Json:
    """The one-line text of a condition; a tree that no line can say, or only one that is too long, stays a tree."""
    tree = read_condition(condition)
    line = format_expression(tree)
    try:
        return line if len(line) <= MAX_LENGTH and parse_expression(line) == tree else condition
    except ExpressionError:
        return condition


def _in_order(members: dict[str, _Value], order: Iterable[str]) -> dict[str, _Value]:
    return {name: members[name] for name in order if name in members} | members
