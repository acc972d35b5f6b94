"""Two daemons that share a store, and what receivers see of them, under a clock that the test moves.

A try arrives, if it does, at some time between its claim and the end of its patience; whoever made it may then settle
it, die, or be frozen and come back too late. Steps are (name, number); the number decides what the step leaves open,
and the weather how each target answers.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from cepd.actions import notify
from cepd.model.alert import Alert
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import REVIVABLE, Delivery, Outcome
from cepd.model.duration import SECOND
from cepd.model.errors import ConflictError
from cepd.model.firing import Firing
from cepd.model.rule import ActionSpec
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import DeliveryQuery, Directory, Recording, Store
from cepd.templating.names import names_of
from tests.support.acknowledging import acknowledge
from tests.support.firings import a_definition, a_firing, an_alert
from tests.support.outbox import BUSY, DOWN, FORBIDDEN, LOST, NOT_MADE, REFUSED, SENT, START, settlement

BEGINNINGS = ("fired", "storm")
"""The kinds of deliveries that tell of an alert first."""

Step: TypeAlias = tuple[str, int]

BREAKER = BreakerSpec(failure_threshold=2, timeout=10 * SECOND)
TERMS = Terms(delays=(SECOND, 2 * SECOND), timeout=2 * SECOND, breaker=BREAKER)
CHANNELS: Mapping[str, tuple[Terms, str | None]] = {
    "ops": (TERMS, "mail"),
    "chat": (Terms((SECOND,), 2 * SECOND, 15 * SECOND, "hold", BREAKER), "mail"),
    "mail": (TERMS, "sms"),
    "sms": (Terms((), 2 * SECOND, None, "resend", BREAKER), None),
}
DIRECTORY = Directory(
    specs={
        name: ChannelSpec(name=name, type="webhook", options={}, terms=terms, fallback=fallback)
        for name, (terms, fallback) in CHANNELS.items()
    },
    connected={},
)
DEFINITION = a_definition(ActionSpec("notify", {"channels": ["ops", "chat"]}))
PLAN = notify.prepare(DEFINITION, 0, DIRECTORY)

WAITS = (0, SECOND // 2, SECOND, 3 * SECOND, 9 * SECOND, 11 * SECOND)
OUTCOMES = (SENT, LOST, DOWN, BUSY, REFUSED, FORBIDDEN, NOT_MADE)
STEPS = ("fire", "resolve", "claim", "end", "wait", "crash", "redrive", "drop", "ack")
Weather: TypeAlias = Mapping[str, Sequence[Outcome]]
"""How a target answers: one of these."""


class Try(NamedTuple):
    delivery: Delivery
    claimed_at: int
    arrived: bool | None = None
    """None: it still may."""

    @property
    def holds(self) -> int:
        return self.claimed_at + self.delivery.terms.lease


class Daemons:
    """`wire` holds what arrived, in order."""

    def __init__(self, weather: Weather, *stores: Store) -> None:
        self.weather = weather
        self.stores = stores
        self.newest: dict[str, int] = {}
        """The newest try of each delivery."""
        self.now = START
        self.wire: list[Delivery] = []
        self.redriven: set[str] = set()
        self.alerts: dict[str, list[str]] = {}
        """Per host the alerts so far; the last may be open."""
        self.open: set[str] = set()
        self.tries: list[list[Try]] = [[] for _ in stores]

    async def play(self, steps: list[Step]) -> None:
        for name, number in steps:
            await getattr(self, f"_{name}")(number)

    async def finish(self) -> None:
        """All are well from now on. Every delivery comes to an end, and nobody has to look before he is told to."""
        for index in range(len(self.stores)):
            await self._crash(index)
        for _ in range(1_000):
            claimed = await self._claim(0)
            while self.tries[0]:
                await self._settle(0, 0, arrives=True, outcome=SENT)
            if not claimed:
                due = await self.stores[0].next_due(self.now)
                if due is None:
                    break
                assert due > self.now
                self.now = due
        found = await self.deliveries()
        assert not [one for one in found if one.state in ("pending", "sending")]

    async def deliveries(self) -> list[Delivery]:
        """In the order in which they were owed."""
        page = await self.stores[0].deliveries(DeliveryQuery(limit=10_000))
        return page.deliveries[::-1]

    def check(self, found: list[Delivery]) -> None:
        place = {one.id: number for number, one in enumerate(found)}
        newest: dict[str, int] = {}
        ended: set[tuple[str, str]] = set()
        for one in self.wire:
            alert = (one.order_key, one.alert_id)
            assert one.kind not in BEGINNINGS or alert not in ended, f"{one.id} begins after its end"
            if one.kind == "resolved":
                ended.add(alert)
            if one.id not in self.redriven:
                assert place[one.id] >= newest.get(one.order_key, 0), f"{one.id} was overtaken"
                newest[one.order_key] = place[one.id]
        arrived = {one.id for one in self.wire}
        assert {one.id for one in found if one.state == "sent"} <= arrived
        assert not {one.id for one in found if one.state == "superseded"} & arrived

    async def _fire(self, number: int) -> None:
        host = f"h{number % 2}"
        mine = self.alerts.setdefault(host, [])
        if host not in self.open:
            mine.append(f"{host}-{len(mine)}")
            self.open.add(host)
            await self._record(host, "fired", mine[-1], number)
        else:
            await self._record(host, "summary", f"{mine[-1]}-more-{self.now}", number)

    async def _resolve(self, number: int) -> None:
        host = f"h{number % 2}"
        if host in self.open:
            self.open.discard(host)
            await self._record(host, "resolved", f"{self.alerts[host][-1]}-end", number)

    async def _record(self, host: str, kind: str, firing_id: str, number: int) -> None:
        alert_id = self.alerts[host][-1]
        severity = "critical" if len(self.alerts[host]) % 2 else "low"
        firing: Firing = a_firing(id=firing_id, alert_id=alert_id, kind=kind, key={"host": host})
        alert: Alert = an_alert(event_id=alert_id, severity=severity, recorded_at=self.now)
        drafts = PLAN(firing, alert, names_of(firing, alert, DEFINITION))
        alerts = [alert] if kind == "fired" else []
        await self.stores[number % len(self.stores)].record(Recording(seq=1, alerts=alerts, drafts=drafts))

    async def _claim(self, number: int) -> list[Delivery]:
        index, per_target = number % len(self.stores), 1 + number % 3
        held = (await self.stores[index].counts()).held
        claimed = await self.stores[index].claim(self.now, per_target)
        self.tries[index] += [Try(one, self.now) for one in claimed]
        self.newest |= {one.id: one.tries for one in claimed}
        assert all(one.deadline is None or one.deadline >= self.now for one in claimed), "it is too late for that"
        under_way = [one.delivery for tries in self.tries for one in tries if one.holds > self.now]
        keys = [one.order_key for one in under_way]
        assert len(keys) == len(set(keys)), "two of one order key are under way"
        for target in {one.target for one in claimed}:
            number_of = [one.target for one in under_way].count(target)
            assert number_of <= per_target
            until = held[target].open_until if target in held else None
            assert until is None or (until <= self.now and number_of == 1), "it is not the only trial"
        return claimed

    async def _end(self, number: int) -> None:
        index = number % len(self.stores)
        if self.tries[index] or await self._claim(number):
            place = number // 2 % len(self.tries[index])
            answers = self.weather[self.tries[index][place].delivery.target]
            outcome = answers[number // 2 % len(answers)]
            arrives = outcome is SENT or (outcome is LOST and number % 3 > 0)
            await self._settle(index, place, arrives=arrives, outcome=outcome)

    async def _settle(self, index: int, place: int, *, arrives: bool, outcome: Outcome) -> None:
        one = self.tries[index].pop(place)
        if one.arrived is None and arrives:
            self.wire.append(one.delivery)
        elif one.arrived is not None:
            outcome = SENT if one.arrived else LOST
        try:
            await self.stores[index].settle(settlement(one.delivery, outcome, self.now))
        except ConflictError:
            assert one.holds <= self.now, "it lost a lease that holds"
        else:
            assert one.delivery.tries == self.newest[one.delivery.id], "a stale try settled it"

    async def _wait(self, number: int) -> None:
        """Those under way arrive, or do not, before their patience ends."""
        due = await self.stores[0].next_due(self.now)
        then = due if number % 2 and due is not None else self.now + WAITS[number // 2 % len(WAITS)]
        for tries in self.tries:
            for place, one in enumerate(tries):
                if one.arrived is None and one.claimed_at + one.delivery.terms.patience <= then:
                    arrived = (number + place) % 3 != 0
                    if arrived:
                        self.wire.append(one.delivery)
                    tries[place] = one._replace(arrived=arrived)
        self.now = then

    async def _crash(self, number: int) -> None:
        """A daemon dies with what it had under way, and starts again, or stays away."""
        index = number % len(self.stores)
        for place, one in enumerate(self.tries[index]):
            if one.arrived is None and (number // 2 + place) % 2:
                self.wire.append(one.delivery)
        self.tries[index] = []
        if number % 3:
            await self.stores[index].reclaim(self.now)

    async def _redrive(self, number: int) -> None:
        known = await self.deliveries()
        revivable = [one for one in known if one.state in REVIVABLE]
        if revivable:
            one = revivable[number % len(revivable)]
            try:
                await self.stores[number % len(self.stores)].redrive(one.id, by="alice", at=self.now)
                self.redriven.add(one.id)
            except ConflictError:
                later = [other for other in known[known.index(one) + 1 :] if other.order_key == one.order_key]
                assert any(other.tries for other in later), "only what was overtaken is refused"
                assert any(other.kind == "resolved" for other in (one, *later)), "only around an end"

    async def _drop(self, number: int) -> None:
        if number % 4 == 0:
            pending = [one for one in await self.deliveries() if one.state == "pending"]
            if pending:
                await self.stores[0].drop(pending[number // 4 % len(pending)].id, by="alice", at=self.now)

    async def _ack(self, number: int) -> None:
        known = [alert for alerts in self.alerts.values() for alert in alerts]
        if known:
            await acknowledge(
                self.stores[0], known[number % len(known)], by="alice", at=self.now, note=None, steal=True
            )
