"""From firings to what they owe the store: alerts, folds and drafts. The same firings owe the same, at every replay."""

import logging
from collections.abc import Sequence

import msgspec

from cepd.engine.decode import DecodeCounts, decode_fields
from cepd.engine.why import why_fired
from cepd.model.alert import Alert, Fold
from cepd.model.delivery import Draft
from cepd.model.execution import NewRun
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.happenings import Listening, of_alert
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Severity, severity_of
from cepd.ports import Recording
from cepd.runtime.asked import is_of, run_of
from cepd.runtime.deployment import Deployment
from cepd.runtime.machine import Applied
from cepd.telemetry.metrics import Metrics
from cepd.templating.names import names_of
from cepd.templating.texts import summary_of

log = logging.getLogger(__name__)


class Owed:
    """What firings owe, firing by firing: an alert that opens takes a tenth of a millisecond to be put into words, and
    a caller with other things to do may want to pause. Of several folds of one alert the last one counts."""

    def __init__(self, at: Instant, metrics: Metrics) -> None:
        self._at = at
        self._metrics = metrics
        self._alerts: list[Alert] = []
        self._folds: dict[str, Fold] = {}
        self._drafts: list[Draft] = []
        self._runs: list[NewRun] = []

    def add(self, firing: Firing, row: Applied) -> None:
        deployment = row.deployment
        if not firing.opens:
            resolved = firing.state == "resolved"
            self._folds[firing.alert_id] = Fold(firing.alert_id, firing.count, firing.last_at, resolved)
            if not firing.is_told:
                return
        alert = alert_of(firing, deployment, self._at)
        if not is_of(firing, row.target):
            self._drafts.extend(_drafts(firing, alert, deployment, self._metrics))
        if firing.opens or firing.kind == "resolved":
            self._tell(firing, alert, deployment.listening)
        if firing.opens:
            traced = why_fired(deployment.definitions[firing.rule_id].rule, firing)
            self._alerts.append(msgspec.structs.replace(alert, trace=msgspec.to_builtins(traced)))

    def end(self, row: Applied) -> None:
        """After the firings of a row: the run, if it is one that somebody asked for, with what that owes."""
        if row.target is not None:
            opened = [one for one in row.firings if one.opens and is_of(one, row.target)]
            drafts = [
                msgspec.structs.replace(draft, depth=row.target.depth)
                for firing in opened
                for draft in _drafts(firing, alert_of(firing, row.deployment, self._at), row.deployment, self._metrics)
            ]
            self._runs.append(run_of(row, drafts))

    def _tell(self, firing: Firing, alert: Alert, listening: Listening) -> None:
        """cepd's own rules may hear of it; one that is told again by a replay is there already."""
        told = of_alert(alert, firing.id, self._at, listening)
        if told is not None:
            self._drafts.append(told)
        elif "cepd.alert" in listening.types:
            self._metrics.count("cepd_happenings_total", "cepd.alert", "too_deep")

    def recording(self, seq: int) -> Recording:
        """One transaction for all of them; `seq` is the newest row they are of."""
        folds = list(self._folds.values())
        return Recording(seq=seq, alerts=self._alerts, folds=folds, drafts=self._drafts, runs=self._runs, at=self._at)


def recording_of(rows: Sequence[Applied], at: Instant, metrics: Metrics) -> Recording:
    """One transaction for several applied rows, put into words in one go."""
    owed = Owed(at, metrics)
    for row in rows:
        for firing in row.firings:
            owed.add(firing, row)
        owed.end(row)
    return owed.recording(rows[-1].seq)


def alert_of(firing: Firing, deployment: Deployment, at: Instant) -> Alert:
    """The alert that a firing opens; of any other firing, its alert as far as the firing itself tells."""
    definition = deployment.definitions[firing.rule_id]
    payload = _decoded(firing.payload)
    alert = Alert(
        event_id=firing.alert_id,
        kind="storm" if firing.kind == "storm" else "fired",
        rule_id=firing.rule_id,
        rule_name=definition.rule.name,
        pack=definition.pack,
        severity=_severity(definition, firing, payload),
        resolved=firing.state == "resolved",
        summary="",
        key=firing.key,
        values=firing.values,
        payload=payload,
        source_event_ids=firing.event_ids,
        time=firing.time,
        last_at=firing.last_at,
        count=firing.count,
        window=firing.window,
        generation=deployment.digest,
        revision=deployment.revision,
        recorded_at=at,
    )
    return msgspec.structs.replace(alert, summary=summary_of(firing, alert, definition))


def _drafts(firing: Firing, alert: Alert, deployment: Deployment, metrics: Metrics) -> list[Draft]:
    """What the rule's actions owe. An action whose plan fails is told and left out; the alert and the others stay."""
    names = names_of(firing, alert, deployment.definitions[firing.rule_id])
    drafts: list[Draft] = []
    for plan in deployment.plans.get(firing.rule_id, ()):
        try:
            drafts.extend(plan(firing, alert, names))
        except Exception:  # a fault in one plan must not lose the alert that is recorded with it
            log.exception("action not planned", extra={"rule": firing.rule_id, "alert": alert.event_id})
            metrics.count("cepd_action_plan_errors_total", firing.rule_id)
    return drafts


def _severity(definition: Definition, firing: Firing, payload: Json) -> Severity:
    """A summary and a resolve are as severe as their alert, whatever the event says that ended it."""
    given = payload.get("severity") if firing.opens and isinstance(payload, dict) else None
    return definition.rule.severity or firing.severity or severity_of(given) or "medium"


def _decoded(line: bytes) -> Json:
    """The event as the rule saw it; its text where it does not decode; None without one."""
    if not line:
        return None
    counts = DecodeCounts()
    fields = decode_fields(line, counts)
    return line.decode() if counts.undecodable else fields
