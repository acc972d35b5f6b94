"""Trees of rules that run one another, and what the daemon says of their runs."""

from pathlib import Path
from typing import Any

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import write_tree

SETTINGS = "egress: {allow: [127.0.0.1]}\n"


def rule(name: str, *actions: str, more: str = "") -> str:
    """A rule that fires on what is sent to it by name, in a file of its own."""
    listed = "".join(f"\n      - {action}" for action in actions)
    return (
        f"kind: RulePack\nname: pack-{name}\nrules:\n  - id: {name}\n"
        f"    trigger: {{type: event, event_type: [go-{name}]}}\n{more}    actions:{listed}\n"
    )


def call(url: str, path: str = "", body: str = "{}") -> str:
    return f'{{endpoint: "{url}{path}", body: {body}, retry: {{delays: [50ms, 50ms, 50ms]}}}}'


def chained(to: str, payload: str | None = None) -> str:
    return f"{{type: trigger_rule, rule_id: {to}{f', payload: {payload}' if payload else ''}}}"


def several(*actions: str) -> str:
    return "{type: multi_action, retry: {delays: [50ms, 50ms, 50ms]}, actions: [" + ", ".join(actions) + "]}"


def tree(root: Path, **rules: str) -> Path:
    return write_tree(root, {"cepd.yaml": SETTINGS, **{f"packs/{name}.yaml": text for name, text in rules.items()}})


def executions(daemon: Daemon, rule_id: str) -> list[dict[str, Any]]:
    return list(daemon.get(f"/cep/rules/{rule_id}/executions").json()["executions"])


def ended(daemon: Daemon, rule_id: str, number: int = 1) -> list[dict[str, Any]]:
    """The executions of a rule once there are so many and none is pending."""

    def probe() -> list[dict[str, Any]] | None:
        found = executions(daemon, rule_id)
        over = len(found) >= number and all(one["status"] != "pending" for one in found)
        return found if over else None

    return eventually(probe, what=f"{number} runs of {rule_id}")


def trigger(daemon: Daemon, rule_id: str, payload: Any, key: str | None = None) -> tuple[int, dict[str, Any]]:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = daemon.request("POST", f"/cep/rules/{rule_id}/trigger", {"payload": payload}, headers)
    return answer.status, answer.json()
