"""Small trees for tests of the real process."""

import base64
from pathlib import Path

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()

CHANNEL = """
kind: Channel
name: ops
type: webhook
url: {env: OPS_URL}
secret: {env: OPS_SECRET}
allow_private: true
retry: {delays: [100ms, 100ms, 100ms, 100ms]}
"""

PACK = """
kind: RulePack
name: hosts
rules:
  - id: cpu
    severity: critical
    trigger: {type: event, event_type: host.cpu}
    when: cpu_percent > 90
    group_by: [host]
    suppress: 1h
    actions:
      - {type: notify, channels: [ops], message: "CPU {{ cpu_percent }} on {{ host }}"}
"""


def write_tree(root: Path, files: dict[str, str] | None = None) -> Path:
    """A tree with the channel `ops` and the rule `cpu`, or with the given files."""
    for name, text in (files if files is not None else {"channels.yaml": CHANNEL, "packs/hosts.yaml": PACK}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
