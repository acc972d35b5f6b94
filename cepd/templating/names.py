"""The names that templates see.

Three layers, each over the one before: the fields of the last event; the key fields and aggregates of the firing;
the reserved names, with `severity` and `summary`, which every text may count on. What a layer covers stays reachable
as a member of `event`, `key` or `values`.
"""

from cepd.model.alert import Alert
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.instant import format_instant
from cepd.model.json import Json

RESERVED = frozenset({"event", "rule", "alert", "key", "values", "references"})
ALWAYS = RESERVED | {"severity", "summary"}
"""Names that are there whatever the event holds."""


def names_of(firing: Firing, alert: Alert, definition: Definition) -> dict[str, Json]:
    """Template names for one firing; plain JSON throughout, times as RFC 3339 text."""
    fields = alert.payload if isinstance(alert.payload, dict) else {}
    rule = definition.rule
    return {
        **fields,
        **firing.key,
        **firing.values,
        "event": {**_envelope(firing), **fields},
        "rule": {
            "id": rule.id,
            "name": rule.name,
            "severity": alert.severity,
            "priority": rule.priority,
            "owner": rule.owner,
            "backup_owner": rule.backup_owner,
            "runbook": rule.runbook,
            "description": rule.description,
            "tags": list(rule.tags),
            "pack": definition.pack,
        },
        "alert": {
            "event_id": alert.event_id,
            "kind": firing.kind,
            "state": alert.state,
            "severity": alert.severity,
            "summary": alert.summary,
            "count": firing.count,
            "time": format_instant(firing.time),
            "last_at": format_instant(firing.last_at),
        },
        "key": firing.key,
        "values": firing.values,
        "references": {},
        "severity": alert.severity,
        "summary": alert.summary,
    }


def _envelope(firing: Firing) -> dict[str, Json]:
    """What every event has, given or not; a field of the event's own wins over it."""
    return {
        "id": firing.event_ids[-1] if firing.event_ids else None,
        "type": firing.event_type,
        "source": firing.event_source,
        "time": format_instant(firing.time),
    }
