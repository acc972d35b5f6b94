"""Ends acknowledgements at their time: the alert is open again, and its history and the stream say so.

An acknowledgement holds until the store has written that it ended, so lists, filters, counts and the stream agree with
one another at any moment; this sees to it that it is written when it is due. Others may share the store, so it looks
every second, whatever it knows of itself.
"""

import asyncio
import logging

from cepd.model.duration import SECOND
from cepd.model.errors import RetryLaterError
from cepd.ports import Clock, Store

log = logging.getLogger(__name__)

LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.01
PAUSE = 5.0
"""Seconds after which a store that was away is asked again."""


async def end_acknowledgements(store: Store, clock: Clock) -> None:
    """Never ends by itself."""
    while True:
        try:
            await asyncio.sleep(await _look(store, clock))
        except RetryLaterError as error:
            log.warning("acknowledgements not ended", extra={"reason": error.message, "retry_in": PAUSE})
            await asyncio.sleep(PAUSE)


async def _look(store: Store, clock: Clock) -> float:
    """Seconds until it is worth looking again."""
    lapsed = await store.lapse(clock.now())
    if lapsed.event_ids:
        log.info("acknowledgements ended", extra={"number": len(lapsed.event_ids)})
    if lapsed.next_at is None:
        return LONGEST_SLEEP
    return min(max((lapsed.next_at - clock.now()) / SECOND, SHORTEST_SLEEP), LONGEST_SLEEP)
