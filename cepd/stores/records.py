"""Operations: what fired becomes rows, and how far that has come."""

from cepd.ports import Recording
from cepd.stores.operations import Operation, many, one
from cepd.stores.rows import alert_row, draft_row, fold_row


def record(recording: Recording, instance: str) -> Operation[None]:
    alerts = [alert_row(alert, recording.at) for alert in recording.alerts]
    drafts = [draft_row(draft) for draft in recording.drafts]
    if alerts:
        yield many("insert_alert", alerts)
    if recording.folds:
        folds = sorted(recording.folds, key=lambda fold: fold.event_id)  # as others hold many: `hold_alerts`
        yield many("fold_alert", [fold_row(fold, recording.at) for fold in folds])
    if drafts:
        yield many("insert_delivery", drafts)
        links = [{"id": draft.id, "alert_id": draft.alert_id} for draft in recording.drafts]
        yield many("insert_delivery_alert", links)
    yield one("raise_recorded_seq", name=_name(instance), seq=recording.seq)


def recorded(instance: str) -> Operation[int]:
    rows = yield one("recorded_seq", name=_name(instance))
    return int(rows[0]["value"])


def rewind(seq: int, instance: str) -> Operation[None]:
    yield one("lower_recorded_seq", name=_name(instance), seq=seq)


def _name(instance: str) -> str:
    """Each instance has a journal of its own."""
    return f"recorded_seq {instance}" if instance else "recorded_seq"
