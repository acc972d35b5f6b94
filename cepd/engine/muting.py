"""What is told of firings while rules are disabled at run time.

A disabled rule goes on to be evaluated, so nothing that it remembers is wrong when the stop ends; what it fires
meanwhile opens no alert and sends no summary. Alerts that were there before go on: they are counted, and resolved. An
alert that was not opened, and goes on to be fired into after the stop, opens then; one that ends before it is told of
never was.
"""

from collections.abc import Callable, Collection, Mapping

import msgspec

from cepd.engine.storm import storm_of
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.stop import Stop

LEAST_ROOM = 1024


class Muting(msgspec.Struct):
    """`stops` by rule id. Part of the engine's state, and of its snapshots."""

    stops: dict[str, Stop] = msgspec.field(default_factory=dict)
    untold: dict[str, dict[str, bool]] = msgspec.field(default_factory=dict)
    """By rule id the ids of alerts that were not opened, each with whether it is a storm's."""
    room: int = LEAST_ROOM
    """With more untold alerts it is looked for those that are over."""

    @property
    def idle(self) -> bool:
        """Whether every firing is told as it is."""
        return not self.stops and not self.untold

    def stop(self, rule_id: str, stop: Stop) -> None:
        """Another stop of a rule takes the place of the one that holds, and has begun with it."""
        before = self.stops.get(rule_id)
        if before is not None and before.until > stop.since:
            stop = msgspec.structs.replace(stop, since=before.since)
        self.stops[rule_id] = stop

    def told(self, firing: Firing, clock: Instant) -> Firing | None:
        """The firing as it is told at a clock; None where it is not."""
        stop = self.stops.get(firing.rule_id)
        stopped = stop is not None and clock < stop.until
        if firing.opens:
            if not stopped:
                return firing
            self.untold.setdefault(firing.rule_id, {})[firing.alert_id] = firing.kind == "storm"
            return None
        untold = self.untold.get(firing.rule_id, {})
        if firing.alert_id not in untold:
            return None if stopped and firing.kind == "summary" else firing
        if stopped or firing.kind in ("summary", "resolved"):
            return None
        of_storm = untold.pop(firing.alert_id)
        return storm_of(firing) if of_storm else msgspec.structs.replace(firing, id=firing.alert_id, kind="fired")

    def tidy(self, clock: Instant, held: Callable[[str], Collection[str]]) -> None:
        """Forgets the stops that are over, and untold alerts once they are many. `held` gives the ids of the alerts of
        a rule that more may be fired into."""
        if any(stop.until <= clock for stop in self.stops.values()):
            self.stops = {rule_id: stop for rule_id, stop in self.stops.items() if stop.until > clock}
        if sum(map(len, self.untold.values())) > self.room:
            self.forget(held)

    def forget(self, held: Callable[[str], Collection[str]]) -> None:
        """Forgets the untold alerts that nothing more is fired into."""
        self.untold = {rule_id: left for rule_id, found in self.untold.items() if (left := _left(found, held(rule_id)))}
        self.room = max(LEAST_ROOM, 2 * sum(map(len, self.untold.values())))


def _left(untold: Mapping[str, bool], held: Collection[str]) -> dict[str, bool]:
    return {alert_id: of_storm for alert_id, of_storm in untold.items() if alert_id in held}
