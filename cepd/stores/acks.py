"""Operations of people on alerts, and the ends of acknowledgements. What comes of an act: `cepd.policies.acks`.

Every change is a line of the alert's history and a row of the stream, in the transaction that makes it.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from cepd.model.act import ACTS, NOTICES, Act, Changed
from cepd.model.alert import Alert, AlertChange
from cepd.model.errors import ConflictError, GoneError, InputError, NotFoundError
from cepd.model.happenings import NOBODY, Listening
from cepd.model.instant import Instant
from cepd.policies.acks import decide, lapsed, refuse_ended
from cepd.ports import AckCounts, AlertQuery, Lapsed, Outcomes
from cepd.stores.alerts import filters_of
from cepd.stores.happenings import tell_ack
from cepd.stores.operations import Operation, many, one, storable
from cepd.stores.rows import alert_of, change_of
from cepd.stores.stream import tell

AT_ONCE = 500
"""Acknowledgements that end in one transaction."""

_TOUCHED = (
    "event_id",
    "resolved",
    "resolved_at",
    "resolved_by",
    "acked_by",
    "acked_at",
    "ack_note",
    "ack_source",
    "ack_until",
    "unacked_since",
    "verdict",
    "verdict_by",
)


def change(event_id: str, act: Act, listening: Listening = NOBODY) -> Operation[Changed]:
    outcome = (yield from change_all([event_id], act, listening=listening))[event_id]
    if isinstance(outcome, InputError):
        raise outcome
    return outcome


def change_all(
    event_ids: Sequence[str], act: Act, *, dry_run: bool = False, listening: Listening = NOBODY
) -> Operation[Outcomes]:
    """A dry run asks for nothing but rows to look at. An id with NUL is nobody's, and PostgreSQL refuses such JSON.
    Raises InputError for an act whose end is past, also where no alert is found; not for one that was carried out."""
    listed = msgspec.json.encode([event_id for event_id in event_ids if "\x00" not in event_id]).decode()
    rows = yield one("alerts_among" if dry_run else "hold_alerts", event_ids=listed)
    found = {row["event_id"]: alert_of(row) for row in rows}
    done: dict[str, AlertChange] = {}
    if act.key is not None:
        rows = yield one("changes_under", event_ids=listed, key=act.key)
        done = {row["event_id"]: change_of(row) for row in rows}
    if not done:
        refuse_ended(act)
    outcomes: dict[str, Changed | InputError] = {}
    ended: list[Changed] = []
    made: list[Changed] = []
    for event_id in event_ids:
        alert = found.get(event_id)
        if alert is None:
            outcomes[event_id] = NotFoundError(f"there is no alert {event_id}")
            continue
        if (unheld := lapsed(alert, act.at)) is not None:
            ended.append(Changed(alert, unheld, "lapse"))
            alert = unheld
        try:
            before = done.get(event_id)
            changed = decide(alert, act) if before is None else _repeated(alert, act, before)
        except (ConflictError, GoneError) as error:
            outcomes[event_id] = error
            continue
        outcomes[event_id] = changed
        if changed.kind is not None:
            made.append(changed)
    if not dry_run:
        lines = yield from _write([*ended, *made], act)
        for each in made:
            if each.kind in ("ack", "steal"):
                yield from tell_ack(each.alert, act.at, listening)
        yield from _tell(lines, act.at)
    return outcomes


def change_matching(
    query: AlertQuery, act: Act, *, dry_run: bool = False, listening: Listening = NOBODY
) -> Operation[tuple[Outcomes, bool]]:
    filters, values = yield from filters_of(query)
    rows = yield one("alert_ids", filters=filters, limit=query.limit + 1, **values)
    chosen = [row["event_id"] for row in rows[: query.limit]]
    outcomes = yield from change_all(chosen, act, dry_run=dry_run, listening=listening)
    return outcomes, len(rows) > query.limit


def lapse(now: Instant) -> Operation[Lapsed]:
    rows = yield one("ended_acks", now=now, limit=AT_ONCE)
    alerts = [alert_of(row) for row in rows]
    ended = [Changed(alert, found, "lapse") for alert in alerts if (found := lapsed(alert, now)) is not None]
    lines = yield from _write(ended, None)
    rows = yield one("next_ack_end")
    yield from _tell(lines, now)
    return Lapsed(event_ids=[each.alert.event_id for each in ended], next_at=rows[0]["due"])


def counts(before: Instant) -> Operation[AckCounts]:
    overdue = yield one("overdue", before=before)
    judged = yield one("judged")
    return AckCounts(
        overdue={row["severity"]: row["number"] for row in overdue},
        judged={(row["rule_id"], row["verdict"]): row["number"] for row in judged},
    )


def _repeated(alert: Alert, act: Act, done: AlertChange) -> Changed:
    """What was carried out under the act's key is not carried out again."""
    asked = storable({"by": act.by, "note": act.note, "until": act.until, "verdict": act.verdict})
    if ACTS.get(done.kind) != act.kind or any(getattr(done, name) != value for name, value in asked.items()):
        message = f"{act.key!r} is the key of another request for {alert.event_id}"
        raise ConflictError(message, help="give each request a key of its own")
    return Changed(alert, alert, None)


def _write(changes: Sequence[Changed], act: Act | None) -> Operation[list[AlertChange]]:
    """In the order given: of one alert, what ended before what was made of it then. The lines of history."""
    lines = [_line(each, act) for each in changes]
    if changes:
        yield many("change_alert", [_touched(each.alert) for each in changes])
        yield many("insert_change", [msgspec.structs.asdict(line) for line in lines])
    return lines


def _tell(lines: Sequence[AlertChange], at: Instant) -> Operation[None]:
    """The last thing of an operation: who writes to the stream holds up others who do."""
    for kind, told in groupby(lines, lambda line: NOTICES[line.kind]):
        yield from tell(kind, [line.event_id for line in told], at)


def _line(changed: Changed, act: Act | None) -> AlertChange:
    before, alert, kind = changed.before, changed.alert, changed.kind
    assert kind is not None
    if kind == "lapse" or act is None:
        return AlertChange(
            event_id=alert.event_id,
            at=alert.unacked_since or 0,
            kind="lapse",
            by="cepd",
            before=before.state,
            after=alert.state,
            source="cepd",
        )
    return AlertChange(
        event_id=alert.event_id,
        at=act.at,
        kind=kind,
        by=act.by,
        before=before.state,
        after=alert.state,
        note=act.note,
        source=act.source,
        until=act.until,
        verdict=act.verdict,
        idempotency_key=act.key,
    )


def _touched(alert: Alert) -> Mapping[str, object]:
    return {name: getattr(alert, name) for name in _TOUCHED}
