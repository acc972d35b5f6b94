"""However begins and ends are tried, given up, sent again and dropped: none goes out behind what came after it."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.model.delivery import Delivery, Outcome
from cepd.model.errors import ConflictError
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import DeliveryQuery, Recording, RedriveQuery
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from tests.support.alerts import SECOND, alert, draft, ended

TERMS = Terms(breaker=BreakerSpec(failure_threshold=1_000))
TRIES: dict[str, tuple[str, Outcome]] = {
    "sent": ("sent", Outcome(result="sent")),
    "refused": ("dead", Outcome(result="permanent")),
    "down": ("dead", Outcome(result="retryable")),
    "later": ("pending", Outcome(result="retryable")),
    "unheard": ("pending", Outcome(result="unknown")),
    "unheard, given up": ("dead", Outcome(result="unknown")),
    "held": ("unknown", Outcome(result="unknown")),
}
STUCK = ("dead", "unknown", "pending")
TRY = st.tuples(st.just("try"), st.sampled_from(sorted(TRIES)))
STEPS = st.one_of(
    st.just(("next", "a")),
    st.just(("next", "a")),
    st.just(("next", "b")),
    TRY,
    TRY,
    st.tuples(st.just("redrive"), st.integers(0, 3)),
    st.one_of(
        st.just(("start", "")),
        st.tuples(st.just("redrive all"), st.sampled_from(["dead", "unknown"])),
        st.tuples(st.just("drop"), st.integers(0, 3)),
    ),
)


class Course:
    """Begins and ends of two keys by turns; `wire` is what may have arrived of them, try by try."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.now = 10 * SECOND
        self.numbers: dict[str, int] = {}
        self.told: dict[str, int] = {"a": 0, "b": 0}
        self.under_way: list[Delivery] = []
        self.wire: list[Delivery] = []
        self.again = 0

    async def step(self, what: str, which: object) -> None:
        self.now += SECOND
        if what == "next":
            await self._next(str(which))
        elif what == "start":
            await self._start()
        elif what == "try":
            await self._end(*TRIES[str(which)])
        elif what == "redrive all":
            query = RedriveQuery(state="dead" if which == "dead" else "unknown")
            done = await self.store.redrive_all(query, by="alice", at=self.now)
            self.again += len(done.deliveries)
        else:
            await self._by_hand(what, int(str(which)))

    async def _next(self, key: str) -> None:
        kind = "resolved" if self.told[key] % 2 else "fired"
        alert_id = f"{key}{self.told[key] // 2}"
        name = f"{key}{self.told[key]}"
        self.told[key] += 1
        self.numbers[name] = len(self.numbers)
        one = draft(name, alert_id, kind=kind, order_key=key, terms=TERMS, due_at=self.now)
        await self.store.record(Recording(seq=1, alerts=[alert(alert_id)], drafts=[one]))

    async def _start(self) -> None:
        """A try begins: from here on it may arrive, and must not be behind what came after it."""
        for claimed in await self.store.claim(self.now, 9):
            number = self.numbers[claimed.id]
            behind = [one.id for one in self.wire if self._after(one, claimed, number)]
            assert not behind, f"{claimed.id} ({claimed.kind}) goes out behind {behind}"
            self.under_way.append(claimed)

    def _after(self, one: Delivery, claimed: Delivery, number: int) -> bool:
        ends = "resolved" in (one.kind, claimed.kind)
        return ends and one.order_key == claimed.order_key and self.numbers[one.id] > number

    async def _end(self, state: str, outcome: Outcome) -> None:
        if not self.under_way:
            await self._start()
        for claimed in self.under_way:
            if outcome.result in ("sent", "unknown"):
                self.wire.append(claimed)
            await ended(self.store, claimed, state=state, outcome=outcome, next_at=self.now, at=self.now)
        self.under_way = []

    async def _by_hand(self, what: str, which: int) -> None:
        found = [one for one in (await self.store.deliveries(DeliveryQuery())).deliveries if one.state in STUCK]
        if which >= len(found):
            return
        try:
            if what == "drop":
                await self.store.drop(found[which].id, by="alice", at=self.now)
            else:
                await self.store.redrive(found[which].id, by="alice", at=self.now)
                self.again += 1
        except ConflictError:
            return


def follow(steps: list[tuple[str, object]]) -> Course:
    async def run(directory: Path) -> Course:
        store = open_store(directory / "cepd.db")
        try:
            course = Course(store)
            for what, which in steps:
                await course.step(what, which)
            return course
        finally:
            await store.close()

    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(run(Path(directory)))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=30))
def test_no_begin_goes_out_behind_its_end_and_no_end_behind_the_next_begin(steps: list[tuple[str, object]]) -> None:
    follow(steps)


def test_the_course_does_send_again_what_may_go() -> None:
    course = follow([("next", "a"), ("try", "down"), ("next", "a"), ("redrive", 1), ("try", "sent"), ("try", "sent")])
    assert course.again == 1
    assert [one.id for one in course.wire] == ["a0", "a1"]
