"""Operations that tell of runs: of those that were asked for a row, of all others what their deliveries say.

A firing that owes deliveries is a run too, and a row of its own for each would only repeat them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cepd.model.delivery import Delivery
from cepd.model.errors import ConflictError
from cepd.model.execution import CHAINED, MOST_LINKS, ActionRun, Execution, Progress, Run, trigger_result
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.policies.executions import action_of, execution_of
from cepd.stores.operations import Operation, Row, one
from cepd.stores.rows import attempt_of, delivery_of, run_of

STEPPED = "multi_action"
_PAGE = 200
_NO_END = (1 << 63) - 1


def find(exec_id: str) -> Operation[Execution | None]:
    return (yield from _find(exec_id, MOST_LINKS))


def newest(rule_id: str, limit: int) -> Operation[list[Execution]]:
    rows = yield one("runs_of_rule", rule_id=rule_id, limit=limit)
    asked: list[Execution] = []
    for row in rows:
        execution = yield from _whole(run_of(row), MOST_LINKS)
        asked.append(execution)
    owed = yield from _owed(rule_id, limit)
    found = sorted([*asked, *owed], key=lambda each: each.started_at, reverse=True)
    return found[:limit]


def keep_progress(delivery_id: str, attempt: int, progress: bytes) -> Operation[None]:
    kept = yield one("keep_progress", id=delivery_id, attempt=attempt, progress=progress)
    if not kept:
        raise ConflictError(f"attempt {attempt} of delivery {delivery_id} is not the one that is open")


def _find(exec_id: str, links: int) -> Operation[Execution | None]:
    rows = yield one("find_run", exec_id=exec_id)
    return (yield from _whole(run_of(rows[0]), links)) if rows else None


def _whole(run: Run, links: int) -> Operation[Execution]:
    """With what became of its actions, and of the runs that those asked for, `links` deep."""
    if run.firing_id is None or run.status != "started":
        return execution_of(run, [])
    rows = yield from _rows({run.firing_id: run.alert_id})
    return execution_of(run, (yield from _actions(rows, run.started_at, links)))


def _owed(rule_id: str, limit: int) -> Operation[list[Execution]]:
    """The runs of firings that nobody asked for; page by page, as a firing may owe many deliveries."""
    firings: dict[str, str | None] = {}
    before = _NO_END
    while len(firings) < limit:
        page = yield one("owed_by_rule", rule_id=rule_id, before=before, limit=_PAGE)
        if not page:
            break
        before = page[-1]["seq"]
        firings |= {row["firing_id"]: row["alert_id"] for row in page}
    rows = yield from _rows(firings)
    by_firing: dict[str, list[Row]] = {}
    for row in rows:
        by_firing.setdefault(row["firing_id"], []).append(row)
    found: list[Execution] = []
    for firing_id, own in by_firing.items():
        run = _run_of_firing(firing_id, own[0])
        found.append(execution_of(run, (yield from _actions(own, run.started_at, MOST_LINKS))))
    return sorted(found, key=lambda each: each.started_at, reverse=True)[:limit]


def _run_of_firing(firing_id: str, row: Row) -> Run:
    return Run(
        exec_id=firing_id,
        rule_id=row["rule_id"],
        firing_id=firing_id,
        alert_id=row["alert_id"],
        status="started",
        condition_met=True,
        started_at=row["due_at"],
        executed_by="cepd",
        asked={"type": row["kind"], "alert_id": row["alert_id"]},
        revision=row["revision"] or "",
        generation=row["generation"] or "",
    )


def _rows(alerts: Mapping[str, str | None]) -> Operation[Sequence[Row]]:
    """The deliveries of firings, which come with their alerts."""
    values = _json(list(alerts.values()))
    return (yield one("deliveries_of_firings", firing_ids=_json(list(alerts)), alert_ids=values))


def _actions(rows: Sequence[Row], started_at: Instant, links: int) -> Operation[list[ActionRun]]:
    deliveries = [delivery_of(row) for row in rows]
    attempts = yield one("first_attempts", ids=_json([each.id for each in deliveries]))
    first = {row["delivery_id"]: attempt_of(row) for row in attempts}
    actions: list[ActionRun] = []
    for delivery in deliveries:
        references = yield from _references(delivery, links)
        actions.append(action_of(delivery, first.get(delivery.id), started_at, references))
    return actions


def _references(delivery: Delivery, links: int) -> Operation[dict[str, Json]]:
    """What an action gave to others, as the later steps of its list saw it."""
    if delivery.type in CHAINED and links:
        found = yield from _find(delivery.id, links - 1)
        return {} if found is None else {"trigger_result": trigger_result(found)}
    if delivery.type == STEPPED and delivery.progress is not None:
        progress = msgspec.json.decode(delivery.progress, type=Progress)
        return {**progress.references, "steps": msgspec.to_builtins(progress.steps)}
    return {}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
