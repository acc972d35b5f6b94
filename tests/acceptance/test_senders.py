"""Who sent an event decides which rules see it, and every action of a rule arrives on its own."""

import hashlib
from pathlib import Path

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import write_tree
from tests.support.receiver import Receiver

PACK = """
kind: RulePack
name: hosts
rules:
  - id: from-the-agents
    trigger: {{type: event, source: agents}}
    actions:
      - {{type: webhook, endpoint: "{url}", body: one}}
      - {{type: webhook, endpoint: "{url}", body: two}}
  - id: from-the-probes
    trigger: {{type: event, source: probes}}
    actions: [{{type: webhook, endpoint: "{url}", body: three}}]
"""
TOKENS = """
tokens:
  - {{name: agents, sha256: {agents}, roles: [ingest]}}
  - {{name: people, sha256: {people}, roles: [read]}}
"""


def test_an_event_without_a_source_comes_from_its_token_and_both_webhooks_to_one_host_arrive(tmp_path: Path) -> None:
    agents, people = ({"Authorization": f"Bearer {name}-secret"} for name in ("agents", "people"))
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text(
        TOKENS.format(**{name: hashlib.sha256(f"{name}-secret".encode()).hexdigest() for name in ("agents", "people")})
    )
    tokens.chmod(0o600)
    with Receiver() as receiver:
        files = {"packs/hosts.yaml": PACK.format(url=receiver.url), "cepd.yaml": "egress: {allow: [127.0.0.1]}\n"}
        root = write_tree(tmp_path / "tree", files)
        with Daemon(root, tmp_path / "data", "--tokens", str(tokens)) as daemon:
            eventually(lambda: daemon.events("listening") and daemon.get("/-/ready").status == 200, what="readiness")
            assert daemon.request("POST", "/ingest", {"id": "one", "type": "t"}, agents).status == 202
            eventually(lambda: len(receiver.received) == 2, what="both messages")
            (alert,) = daemon.request("GET", "/cep/events", headers=people).json()["events"]
            assert daemon.stop() == 0
        assert alert["rule_id"] == "from-the-agents"
        assert sorted(one.body for one in receiver.received) == [b"one", b"two"]
        assert len({one.headers["webhook-id"] for one in receiver.received}) == 2
