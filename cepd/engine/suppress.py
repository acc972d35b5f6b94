"""Suppress windows: the first firing of a key is let through, later ones fold into its alert.

Windows are fixed, `[t0, t0 + w)` in firing time. Out of order, a firing less than w before an open window folds into
it too. Several windows of a key may be open until the watermark passes their ends. When one ends and anything was
folded, one summary says so. A window whose first firing went into a storm sends none: the storm's own tells.
"""

from collections.abc import Sequence

from cepd.engine.ids import firing_id
from cepd.engine.keys import key_values
from cepd.engine.state import RuleState, SuppressWindow, closes_at
from cepd.model.duration import Span
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.rule import Rule


def covering(windows: Sequence[SuppressWindow], time: Instant) -> SuppressWindow | None:
    """The open window that a firing at `time` folds into: the one that holds it, else the first that it just
    precedes."""
    before = None
    for window in windows:
        if window.start <= time < window.end:
            return window
        if before is None and time < window.start and window.start - time < window.end - window.start:
            before = window
    return before


def open_window(state: RuleState, length: Span, key: str, first: Firing, mark: Instant) -> SuppressWindow:
    """A new window, started by a firing that has its alert. `mark` is the rule's watermark."""
    end = first.time + length
    window = SuppressWindow(first.time, end, closes_at(end, length, mark), first.id, first.alert_id)
    state.windows.setdefault(key, []).append(window)
    tally = state.hold(first.alert_id, first)
    if first.opens:
        tally.add(first.time)
    return window


def close_window(rule: Rule, state: RuleState, key: str, start: Instant, closes: Instant) -> Firing | None:
    """Drops the window of a key that started and closes then, if it is still there; the summary where it owes one.

    A window that its episode's end dropped may have been followed by one with the same start that closes later.
    """
    found = (window for window in state.windows.get(key, ()) if (window.start, window.closes) == (start, closes))
    window = next(found, None)
    if window is None:
        return None
    tally = state.tallies[window.alert_id]
    _drop(state, key, window)
    wanted = rule.suppress is None or rule.suppress.summary
    if not (window.folded and wanted and window.alert_id == window.first_id):
        return None
    return Firing(
        id=firing_id(rule.id, state.fingerprint, key, "summary", window.first_id),
        kind="summary",
        rule_id=rule.id,
        key=key_values(rule.group_by, key),
        time=window.end,
        alert_id=window.alert_id,
        count=tally.count,
        last_at=tally.last_at,
        severity=tally.severity,
        values={"count": tally.count, "folded": window.folded},
        reason="suppress",
    )


def end_windows(state: RuleState, key: str, alert_id: str) -> None:
    """Drops the windows of a key that fold into an alert, without a summary: its resolve tells."""
    for window in list(state.windows.get(key, ())):
        if window.alert_id == alert_id:
            _drop(state, key, window)


def _drop(state: RuleState, key: str, window: SuppressWindow) -> None:
    state.windows[key].remove(window)
    if not state.windows[key]:
        del state.windows[key]
    state.release(window.alert_id)
