"""What an act makes of an alert, as a pure decision.

An acknowledgement belongs to one person until it is given back, taken over or at its end. What a person resolved is
closed for good: later facts of the engine are counted and do not open it again, and only notes and verdicts are still
taken. What the engine resolved may still be acknowledged, by somebody who wants to have seen it, and stays resolved.
"""

from msgspec.structs import replace

from cepd.model.act import Act, Changed
from cepd.model.alert import Alert
from cepd.model.errors import ConflictError, GoneError, HeldError, InputError
from cepd.model.instant import Instant, format_instant


def decide(alert: Alert, act: Act) -> Changed:
    """HeldError where another holds it, ConflictError, GoneError, InputError. `alert` as it is at `act.at`: see
    `lapsed`."""
    match act.kind:
        case "ack":
            return _acknowledged(alert, act)
        case "unack":
            return _given_back(alert, act)
        case "resolve":
            return _resolved(alert, act)
        case "note":
            return Changed(alert, alert, "note")
        case "verdict":
            return _judged(alert, act)


def lapsed(alert: Alert, now: Instant) -> Alert | None:
    """The alert without its acknowledgement, where that is at its end; None where it is not."""
    if alert.resolved or alert.ack_until is None or alert.ack_until > now:
        return None
    return _unheld(alert, alert.ack_until)


def refuse_ended(act: Act) -> None:
    """InputError where the act's end is not behind its time."""
    if act.until is not None and act.until <= act.at:
        help = "give a later one, or leave it out"
        raise InputError(f"the acknowledgement would have ended at {format_instant(act.until)}", help=help)


def _acknowledged(alert: Alert, act: Act) -> Changed:
    refuse_ended(act)
    mine = alert.acked_by == act.by
    if mine and (act.until is None or act.until == alert.ack_until):
        return Changed(alert, alert, None)
    _refuse_closed(alert)
    if alert.resolved and act.until is not None:
        help = "leave its end out"
        raise ConflictError(f"{alert.event_id} is resolved: it would not be open again after an end", help=help)
    _refuse_held(alert, act)
    if mine:
        return Changed(alert, replace(alert, ack_until=act.until), "extend")
    acked = replace(
        alert, acked_by=act.by, acked_at=act.at, ack_note=act.note, ack_source=act.source, ack_until=act.until
    )
    return Changed(alert, acked, "ack" if alert.acked_by is None else "steal")


def _given_back(alert: Alert, act: Act) -> Changed:
    _refuse_closed(alert)
    if alert.acked_by is None:
        return Changed(alert, alert, None)
    _refuse_held(alert, act)
    return Changed(alert, _unheld(alert, act.at), "unack")


def _resolved(alert: Alert, act: Act) -> Changed:
    if alert.resolved_by is not None:
        return Changed(alert, alert, None)
    _refuse_held(alert, act)
    at = act.at if alert.resolved_at is None else alert.resolved_at
    return Changed(alert, replace(alert, resolved=True, resolved_at=at, resolved_by=act.by), "resolve")


def _judged(alert: Alert, act: Act) -> Changed:
    if alert.verdict == act.verdict:
        return Changed(alert, alert, None)
    by = None if act.verdict is None else act.by
    return Changed(alert, replace(alert, verdict=act.verdict, verdict_by=by), "verdict")


def _unheld(alert: Alert, at: Instant) -> Alert:
    return replace(
        alert, acked_by=None, acked_at=None, ack_note=None, ack_source=None, ack_until=None, unacked_since=at
    )


def _refuse_closed(alert: Alert) -> None:
    if alert.resolved_by is not None:
        since = format_instant(alert.resolved_at or 0)
        help = "notes and a verdict are still taken; a later firing opens an alert of its own"
        raise GoneError(f"{alert.resolved_by} resolved {alert.event_id} at {since}", help=help)


def _refuse_held(alert: Alert, act: Act) -> None:
    if alert.acked_by is None or alert.acked_by == act.by or act.steal:
        return
    since = alert.acked_at or 0
    message = f"{alert.acked_by} acknowledged {alert.event_id} at {format_instant(since)}"
    raise HeldError(message, holder=alert.acked_by, since=since, help="take it over with steal: true")
