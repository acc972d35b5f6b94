"""Deliveries in plain words and columns, from the JSON that the daemon answers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from cepd.config.render import printable

Document = Mapping[str, Any]

_COLUMNS = (
    ("id", "delivery_id"),
    ("state", "state"),
    ("target", "target"),
    ("rule", "rule_id"),
    ("kind", "kind"),
    ("tries", "tries"),
    ("owed since", "due_at"),
    ("reason", "reason"),
)
_NUMBERS = frozenset({"tries"})
_LONGEST_TIME = len("2026-01-31T09:00:00.000001Z")


def table(deliveries: Sequence[Document]) -> Iterator[str]:
    """A line of headings, and one for each."""
    rows = [[name for name, _ in _COLUMNS]]
    rows += [[_text(delivery[field]) for _, field in _COLUMNS] for delivery in deliveries]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_COLUMNS))]
    for row in rows:
        cells = [
            cell.rjust(width) if field in _NUMBERS else cell.ljust(width)
            for cell, width, (_, field) in zip(row, widths, _COLUMNS, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def short(delivery: Document) -> str:
    """One on a line of its own, as far as the answer to a redrive tells of it."""
    return "  ".join(_text(delivery[field]) for field in ("delivery_id", "target", "rule_id", "kind"))


def whole(delivery: Document) -> Iterator[str]:
    """All of one: what it is, its tries, what it sends."""
    yield f"delivery {_text(delivery['delivery_id'])}"
    for name, text in _facts(delivery):
        yield f"  {name:<11} {text}"
    yield "  tries"
    for attempt in delivery["attempts"]:
        yield f"    {_attempt(attempt)}"
    if not delivery["attempts"]:
        yield "    none yet"
    yield f"  sends       {delivery['request_size']:,} bytes"
    if delivery["request"] is not None:
        for line in _indented(delivery["request"]):
            yield f"    {printable(line)}"


def _facts(delivery: Document) -> Iterator[tuple[str, str]]:
    reason = delivery["reason"]
    yield "state", f"{delivery['state']}: {_text(reason)}" if reason else _text(delivery["state"])
    yield "target", f"{_text(delivery['target'])} ({delivery['type']}, action {delivery['action']})"
    yield "rule", _text(delivery["rule_id"])
    yield "alert", f"{_text(delivery['event_id'])} ({delivery['kind']})"
    yield "owed since", _text(delivery["due_at"])
    for name, field in (("next try", "next_at"), ("deadline", "deadline"), ("ended", "settled_at")):
        if delivery[field]:
            yield name, _text(delivery[field])
    if delivery["fell_back"]:
        yield "fallback", "another delivery stands in for it"
    if delivery["fallback_of"]:
        yield "fallback", f"it stands in for {_text(delivery['fallback_of'])}"
    if delivery["redriven_by"]:
        yield "redriven", f"by {_text(delivery['redriven_by'])} at {_text(delivery['redriven_at'])}"


def _attempt(attempt: Document) -> str:
    begun = f"{_text(attempt['started_at']):<{_LONGEST_TIME}}"
    if attempt["ended_at"] is None:
        return f"{attempt['number']}  {begun}  under way: it may have arrived"
    took = (datetime.fromisoformat(attempt["ended_at"]) - datetime.fromisoformat(attempt["started_at"])).total_seconds()
    detail = f"  {_text(attempt['detail'])}" if attempt["detail"] else ""
    return f"{attempt['number']}  {begun}  {took:.3f} s  {attempt['result']}{detail}"


def _indented(request: str) -> list[str]:
    """JSON line by line, other text as it is."""
    try:
        return msgspec.json.format(request, indent=2).splitlines()
    except msgspec.DecodeError:
        return request.splitlines()


def _text(value: Any) -> str:
    return "" if value is None else printable(str(value))
