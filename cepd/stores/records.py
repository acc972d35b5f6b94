"""Operations: what fired becomes rows, and how far that has come."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cepd.model.execution import NewRun
from cepd.ports import Recording
from cepd.stores.operations import Operation, many, one
from cepd.stores.owing import owe
from cepd.stores.rows import alert_row, fold_row, run_row
from cepd.stores.stream import changes, tell, tell_changes


def record(recording: Recording, instance: str) -> Operation[None]:
    alerts = [alert_row(alert, recording.at) for alert in recording.alerts]
    fresh = (yield from _insert(alerts)) if alerts else []
    changed = (yield from changes(recording.folds)) if recording.folds else []
    if recording.folds:
        folds = sorted(recording.folds, key=lambda fold: fold.event_id)  # as others hold many: `hold_alerts`
        yield many("fold_alert", [fold_row(fold, recording.at) for fold in folds])
    yield from owe(recording.drafts)
    yield from record_runs(recording.runs)
    yield one("raise_recorded_seq", name=_name(instance), seq=recording.seq)
    yield from tell("fired", fresh, recording.at)
    yield from tell_changes(changed, recording.at)


def _insert(alerts: Sequence[Mapping[str, Any]]) -> Operation[list[str]]:
    """The ids of those that were not there before."""
    before = yield one("before_alerts")
    yield many("insert_alert", alerts)
    event_ids = msgspec.json.encode([alert["event_id"] for alert in alerts]).decode()
    rows = yield one("fresh_alerts", before=before[0]["seq"], event_ids=event_ids)
    return [row["event_id"] for row in rows]


def record_runs(runs: Sequence[NewRun]) -> Operation[None]:
    """One after the other: whether a rule is running is decided once, and a repetition finds what was decided."""
    if any(new.alone for new in runs):
        yield one("take_turns")
    for new in runs:
        run = new.run
        if (yield one("find_run", exec_id=run.exec_id)):
            continue
        if new.alone and (yield one("rule_is_running", rule_id=run.rule_id)):
            run = msgspec.structs.replace(run, status="skipped", error_message="rule already running")
        yield one("insert_run", **run_row(run))
        if run.status == "started":
            yield from owe(new.drafts)


def recorded(instance: str) -> Operation[int]:
    rows = yield one("recorded_seq", name=_name(instance))
    return int(rows[0]["value"])


def rewind(seq: int, instance: str) -> Operation[None]:
    yield one("lower_recorded_seq", name=_name(instance), seq=seq)


def _name(instance: str) -> str:
    """Each instance has a journal of its own."""
    return f"recorded_seq {instance}" if instance else "recorded_seq"
