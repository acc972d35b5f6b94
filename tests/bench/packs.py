"""Rules as files, and the way back."""

import json
from collections.abc import Sequence
from pathlib import Path

from cepd import plugins
from cepd.config.load import load
from cepd.config.tree import Tree
from cepd.engine.expressions import format_expression
from cepd.model.rule import EventTrigger, Rule

PEERS = Path(__file__).with_name("peers")
CHANNEL = "channel.yaml"
RULES_A_FILE = 10


def tree_of(rules: Sequence[Rule]) -> Tree:
    """Rules without state, ten a file, and the channel that they notify."""
    files = {CHANNEL: (PEERS / CHANNEL).read_bytes()}
    for start in range(0, len(rules), RULES_A_FILE):
        entries = "".join(map(_entry, rules[start : start + RULES_A_FILE]))
        files[f"pack-{start:05d}.yaml"] = f"kind: RulePack\nname: pack-{start}\nrules:\n{entries}".encode()
    return Tree(root=Path("/nowhere"), files=files)


def peer_tree(name: str) -> Tree:
    """The workload that other engines were measured with."""
    return Tree(root=PEERS, files={file: (PEERS / file).read_bytes() for file in (CHANNEL, f"{name}.yaml")})


def loaded(tree: Tree) -> list[Rule]:
    generation = load(tree, plugins.built())
    assert not any(problem.severity == "error" for problem in generation.problems), generation.problems
    return [definition.rule for definition in generation.definitions]


def write(tree: Tree, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, data in tree.files.items():
        (folder / name).write_bytes(data)
    return folder


def _entry(rule: Rule) -> str:
    assert isinstance(rule.trigger, EventTrigger)
    assert rule.when is not None
    types = rule.trigger.event_type
    return f"""
  - id: {rule.id}
    severity: high
    trigger: {{type: event{"" if types is None else f", event_type: {types[0]}"}}}
    when: {json.dumps(format_expression(rule.when))}
    group_by: [host]
    actions:
      - {{type: notify, channels: [ops], message: "{{{{ value }}}} on {{{{ host }}}}"}}
"""
