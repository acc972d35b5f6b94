"""How cepd's own happenings are heard: a delivery that goes back into the inbox, as an event like any other."""

from collections.abc import Callable

import msgspec

from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import SECOND
from cepd.model.errors import RetryLaterError
from cepd.model.happenings import DEEPEST, Listening
from cepd.runtime.inbox import Inbox
from cepd.telemetry.metrics import Metrics


class _Told(msgspec.Struct):
    type: str
    depth: int


class Hearing:
    """Lets happenings in. `listening` is of the rules that run."""

    def __init__(self, inbox: Inbox, listening: Callable[[], Listening], metrics: Metrics) -> None:
        self._inbox = inbox
        self._listening = listening
        self._metrics = metrics

    async def perform(self, delivery: Delivery) -> Outcome:
        """One try to have a happening heard. While nothing is taken in, it waits and uses up no try."""
        told = msgspec.json.decode(delivery.request, type=_Told)
        if told.depth > DEEPEST:
            self._metrics.count("cepd_happenings_total", told.type, "too_deep")
            detail = f"alerts about alerts go no deeper than {DEEPEST}: rules that hear cepd's own events make a loop"
            return Outcome(result="permanent", detail=detail)
        if told.type not in self._listening().types:
            self._metrics.count("cepd_happenings_total", told.type, "unheard")
            return Outcome(result="sent", detail="no rule hears it any more")
        try:
            await self._inbox.tell(delivery.request)
        except RetryLaterError as error:
            wait = max(round(error.after * SECOND), SECOND)
            return Outcome(result="rate_limited", detail=error.message, retry_after=wait)
        self._metrics.count("cepd_happenings_total", told.type, "heard")
        return Outcome(result="sent")
