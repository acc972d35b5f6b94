"""The dialect's actions: one `action_spec`, a list of `actions`, and an `action_config` for those of one type."""

from cepd.config.dialect_conditions import bare
from cepd.config.dialect_fields import Fields, Finding, Taken, unknown, wrong_type
from cepd.model.json import Json
from cepd.model.spelling import closest

DEFAULT_TYPE = "webhook"
_TYPES = {"trigger": "trigger_rule"}


def read_actions(
    spec: Taken | None, actions: Taken | None, config: Taken | None, label: str, findings: list[Finding]
) -> Json:
    """The canonical `actions`; None where the rule has none."""
    if actions is not None and not isinstance(actions.value, list):
        findings.append(wrong_type(actions, f"actions of {label}", "a list"))
        return None
    given = ([spec] if spec is not None else []) + (actions.items() if actions is not None else [])
    read = [_action(action, label, findings) for action in given]
    if config is not None:
        _configure(read, config, label, findings)
    return read or None


def seconds(taken: Taken) -> Taken:
    """A duration: a number means seconds."""
    number = taken.value.__class__ in (int, float)
    return Taken(f"{taken.value}s", taken.pointer) if number else taken


def _action(action: Taken, label: str, findings: list[Finding]) -> Json:
    if not isinstance(action.value, dict):
        return action
    members: dict[str, Json] = {name: action.below(name) for name in action.value}
    if "type" not in members and closest("type", members) is None:
        members = {"type": DEFAULT_TYPE, **members}
    name = bare(members.get("type"))
    if isinstance(name, str) and name in _TYPES:
        members["type"] = Taken(_TYPES[name], action.pointer + "/type")
    if "timeout_seconds" in members:
        members.setdefault("timeout", seconds(members.pop("timeout_seconds")))
    slip = closest("timeout_seconds", members) if "timeout" not in members else None
    if slip is not None:
        findings.append(unknown(members.pop(slip).pointer, slip, f"an action of {label}", ["timeout_seconds"], ()))
    nested = members.get("actions")
    if nested is not None and isinstance(nested.value, list):
        members["actions"] = [_action(item, label, findings) for item in nested.items()]
    return Taken(members, action.pointer)


def _configure(actions: list[Json], config: Taken, label: str, findings: list[Finding]) -> None:
    """Gives the breaker of `action_config` to each action of its type that has none of its own."""
    if not isinstance(config.value, dict):
        findings.append(wrong_type(config, f"action_config of {label}", "a mapping"))
        return
    fields = Fields(config, f"action_config of {label}", findings)
    wanted, breaker = fields.take("action"), fields.take("circuit_breaker")
    fields.end()
    if wanted is None or breaker is None:
        missing = "action" if wanted is None else "circuit_breaker"
        message = f"action_config of {label} has no {missing!r}"
        findings.append(Finding("CEP113", config.pointer, message, "write {action: webhook, circuit_breaker: {…}}"))
        return
    kind = _canonical_type(wanted.value)
    chosen = [members for members in _all_members(actions) if bare(members.get("type", kind)) == kind]
    for members in chosen:
        members.setdefault("circuit_breaker", breaker)
    if not chosen:
        message = f"action_config of {label} is for {wanted.value!r}, and the rule has no such action"
        findings.append(Finding("CEP312", wanted.pointer, message, "name the type of one of its actions"))


def _canonical_type(name: Json) -> Json:
    return _TYPES.get(name, name) if isinstance(name, str) else name


def _all_members(actions: list[Json]) -> list[dict[str, Json]]:
    """The mappings of the actions and of those inside them."""
    found = []
    for action in actions:
        members = bare(action)
        if isinstance(members, dict):
            found.append(members)
            if isinstance(members.get("actions"), list):
                found.extend(_all_members(members["actions"]))
    return found
