"""Whatever happens, a receiver hears of an alert's beginning before its end, and of one thing after the other."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cepd.stores import postgresql
from cepd.stores.store import SqlStore
from tests.support.in_memory import InMemory
from tests.support.postgres import server
from tests.support.wire_log import CHANNELS, OUTCOMES, STEPS, Daemons, Step, Weather

WEIGHTED = (*STEPS, "fire", "resolve", "claim", "claim", "claim", "end", "end", "end", "end", "wait", "wait")

steps = st.lists(st.tuples(st.sampled_from(WEIGHTED), st.integers(0, 1000)), min_size=10, max_size=80)
weathers = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=3) for name in CHANNELS}
)


async def play(daemons: Daemons, played: list[Step]) -> None:
    await daemons.play(played)
    await daemons.finish()
    daemons.check(await daemons.deliveries())


@settings(max_examples=300, deadline=None)
@given(weathers, steps)
def test_on_sqlite(weather: Weather, played: list[Step]) -> None:
    async def run() -> None:
        database = InMemory()
        await play(Daemons(weather, SqlStore(database, "one"), SqlStore(database, "two")), played)
        await database.close()

    asyncio.run(run())


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(weathers, steps)
def test_on_postgresql(weather: Weather, played: list[Step]) -> None:
    async def run() -> None:
        url = server().database()
        one, two = await postgresql.open_store(url, "one"), await postgresql.open_store(url, "two")
        try:
            await play(Daemons(weather, one, two), played)
        finally:
            await one.close()
            await two.close()

    asyncio.run(run())
