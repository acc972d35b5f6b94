"""Action store: a line for each thing that is told, and how keeping it ends."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.actions import store
from cepd.model.delivery import Draft
from cepd.model.errors import InputError
from cepd.model.rule import ActionSpec
from cepd.ports import Directory
from cepd.stores.shelf import FileShelf
from cepd.templating.names import names_of
from tests.support.deliveries import a_delivery
from tests.support.firings import a_definition, a_firing, an_alert
from tests.support.tools import real_tools

DIRECTORY = Directory(specs={}, connected={})
TARGET = "file:alerts.ndjson"


def draft(target: str = TARGET, **firing: Any) -> Draft:
    definition = a_definition(ActionSpec("store", {"target": target}))
    fired, alert = a_firing(**firing), an_alert()
    (found,) = store.prepare(definition, 0, DIRECTORY)(fired, alert, names_of(fired, alert, definition))
    return found


def perform(path: Path | None, tries: int = 1, **changes: Any) -> tuple[str, str]:
    shelf = None if path is None else FileShelf(path)
    tools = msgspec.structs.replace(real_tools(), shelf=shelf)
    made = draft()
    delivery = a_delivery(id=made.id, target=TARGET, request=made.request, tries=tries, **changes)
    outcome = asyncio.run(store.perform(delivery, tools, DIRECTORY))
    return outcome.result, outcome.detail


def test_a_line_is_what_a_webhook_would_be_sent_with_its_id() -> None:
    found = draft()
    line = json.loads(found.request)
    assert list(line)[:3] == ["id", "type", "event_id"]
    assert line == {
        "id": found.id,
        "type": "alert.fired",
        "event_id": "f1",
        "rule_id": "cpu-high",
        "rule_name": "CPU high",
        "severity": "critical",
        "state": "open",
        "message": "CPU high on web-1",
        "key": {"host": "web-1"},
        "values": {},
        "time": "2026-01-01T12:00:00Z",
        "payload": {"host": "web-1", "cpu": 97.5},
    }
    assert b"\n" not in found.request
    assert (found.target, found.type) == (TARGET, "store")


def test_a_resolve_is_a_line_too() -> None:
    assert json.loads(draft(kind="resolved", id="f2", state="resolved").request)["type"] == "alert.resolved"


def test_a_table_cannot_be_stored_into_yet() -> None:
    for target, says in (("warehouse/incidents", "tables yet"), ("file:../x.ndjson", "not a name")):
        with pytest.raises(InputError, match=says):
            draft(target)


def test_it_is_kept_once(tmp_path: Path) -> None:
    assert perform(tmp_path) == ("sent", "")
    assert perform(tmp_path, tries=2) == ("sent", "it was there already")
    assert (tmp_path / "alerts.ndjson").read_bytes() == draft().request + b"\n"


def test_how_it_ends_where_it_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert perform(tmp_path / "file")[0] == "retryable"
    assert perform(None)[0] == "permanent"
    tools = msgspec.structs.replace(real_tools(), shelf=FileShelf(tmp_path))
    forged = a_delivery(target="file:../x.ndjson")
    assert asyncio.run(store.perform(forged, tools, DIRECTORY)).result == "permanent"
