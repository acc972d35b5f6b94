"""The retry table against receivers that play it: how one try ends, by cause."""

import asyncio

import pytest

from cepd.channels.webhook import connect
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Outcome
from cepd.model.duration import SECOND, parse_duration
from cepd.model.terms import Terms
from cepd.ports import Tools
from tests.support.behaviours import BEHAVIOURS, Behaviour
from tests.support.tools import using_tools
from tests.support.wire import serving


def tried(behaviour: Behaviour, times: int) -> list[Outcome]:
    """How that many tries of one delivery end."""

    async def talk(tools: Tools) -> list[Outcome]:
        async with serving(behaviour.script) as wire:
            terms = Terms(timeout=parse_duration(behaviour.timeout))
            options = {"url": f"http://127.0.0.1:{wire.port}/in"}
            spec = ChannelSpec(name="ops", type="webhook", options=options, allow_private=True, terms=terms)
            channel = connect(spec, tools)
            outcomes = [await channel.send("d1", b"{}") for _ in range(times)]
            assert len(wire.requests) == times
            assert all(b"webhook-id: d1\r\n" in request for request in wire.requests)
            return outcomes

    return using_tools(talk)


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS.keys())
def test_how_a_try_ends(behaviour: Behaviour) -> None:
    outcomes = tried(behaviour, len(behaviour.results))
    assert tuple(outcome.result for outcome in outcomes) == behaviour.results
    assert tuple(outcome.status for outcome in outcomes) == behaviour.statuses
    assert all(outcome.detail for outcome in outcomes)


@pytest.mark.parametrize(
    ("name", "shortest", "longest"),
    [("busy-seconds", 1, 1), ("back-soon", 1, 1), ("busy-date", 0.9, 2)],
)
def test_how_long_it_is_asked_to_wait(name: str, shortest: float, longest: float) -> None:
    (outcome,) = tried(BEHAVIOURS[name], 1)
    assert outcome.retry_after is not None
    assert shortest * SECOND <= outcome.retry_after <= longest * SECOND


def test_nobody_there() -> None:
    async def talk(tools: Tools) -> Outcome:
        async with serving(BEHAVIOURS["fine"].script) as wire:
            url = f"http://127.0.0.1:{wire.port}/in"
        spec = ChannelSpec(name="ops", type="webhook", options={"url": url}, allow_private=True)
        return await asyncio.wait_for(connect(spec, tools).send("d1", b"{}"), 20)

    assert using_tools(talk).result == "retryable"
