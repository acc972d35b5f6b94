"""What the engine remembers of one rule: its alerts that more may fold into, and its episodes. Plain values, all of
them in a snapshot. What events add up to is in units, which rules share: see `cepd.engine.unit`."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from cepd.engine.decode import DecodeCounts, decode_fields
from cepd.model.duration import Span
from cepd.model.firing import Firing, FiringKind
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Severity, severity_of


def closes_at(end: Instant, length: Span, mark: Instant) -> Instant:
    """The watermark at which a window that opens now closes; `mark` is the watermark now.

    That is its end. One that opens behind the watermark (its firing came late) stays for its own length instead, so
    that a backlog of old events does not alert one by one.
    """
    return end if end > mark else mark + length


class Tally(msgspec.Struct, gc=False):
    """The firings of an alert that more may fold into. `holders`: suppress windows, storm minutes and episodes that
    refer to it; the last one that closes takes it along."""

    count: int
    last_at: Instant
    severity: Severity | None
    """What the event of its first firing said; None where it said nothing."""
    holders: int = 0

    def add(self, time: Instant) -> None:
        self.count += 1
        if time > self.last_at:
            self.last_at = time


class SuppressWindow(msgspec.Struct, gc=False):
    """`[start, end)` in firing time. `closes` is the watermark at which it is dropped."""

    start: Instant
    end: Instant
    closes: Instant
    first_id: str
    """Id of the firing that opened it."""
    alert_id: str
    """That same id, or the storm alert's where the first firing went into a storm."""
    folded: int = 0


class StormMinute(msgspec.Struct, gc=False):
    """One minute of firing time of a rule. `alert_id` is the storm alert's, once there is one."""

    start: Instant
    end: Instant
    closes: Instant
    alerts: int = 0
    alert_id: str | None = None


class Episode(msgspec.Struct, gc=False):
    """A key of a rule with `for` or `resolve`, from the first true evaluation until it ends. Open once its alert is
    there; before that it is a hold."""

    began: Instant
    """Time of the first true evaluation."""
    cause: str
    """Of that evaluation."""
    heard: Instant
    """Time of the newest evaluation that events led to."""
    moved: Span = 0
    """By how much downtime moved the end of its silence, which never moves back."""
    first_id: str | None = None
    """Id of the firing that opened it; None for a hold."""
    alert_id: str = ""
    """That same id, or that of the alert the firing folded into."""


class RuleState(msgspec.Struct):
    fingerprint: str
    """State fingerprint of the rule that made it; under another one it means nothing."""
    episode: str
    """Episode fingerprint, likewise for `episodes`."""
    episodes: dict[str, Episode] = msgspec.field(default_factory=dict)
    """By key text, in the order in which they began."""
    windows: dict[str, list[SuppressWindow]] = msgspec.field(default_factory=dict)
    """By key text, in the order in which they opened."""
    minutes: dict[int, StormMinute] = msgspec.field(default_factory=dict)
    """By their start."""
    tallies: dict[str, Tally] = msgspec.field(default_factory=dict)
    """By alert id."""
    last_fired: Instant | None = None
    """Highest firing time so far."""

    def open_keys(self) -> Iterable[str]:
        """Key texts whose episode is open."""
        return (key for key, episode in self.episodes.items() if episode.first_id is not None)

    def hold(self, alert_id: str, firing: Firing) -> Tally:
        """The tally of an alert, for one more holder; a new one where `firing` is the alert's first."""
        tally = self.tallies.get(alert_id)
        if tally is None:
            tally = self.tallies[alert_id] = Tally(0, firing.time, _said(firing))
        tally.holders += 1
        return tally

    def fold(self, alert_id: str, firing: Firing, kind: FiringKind = "fired") -> Firing:
        """The firing as one more of an alert that is held."""
        tally = self.tallies[alert_id]
        tally.add(firing.time)
        return replace(
            firing, kind=kind, alert_id=alert_id, count=tally.count, last_at=tally.last_at, severity=tally.severity
        )

    def release(self, alert_id: str) -> None:
        tally = self.tallies[alert_id]
        tally.holders -= 1
        if not tally.holders:
            del self.tallies[alert_id]


class _Said(msgspec.Struct, gc=False):
    severity: Json = None


_decode_said = msgspec.json.Decoder(_Said).decode


def _said(firing: Firing) -> Severity | None:
    """The severity that the firing's event says. Where a line does not decode as it is, its members tell."""
    if not firing.payload:
        return None
    try:
        said = _decode_said(firing.payload).severity
    except (ValueError, RecursionError):
        said = decode_fields(firing.payload, DecodeCounts()).get("severity")
    return severity_of(said)
