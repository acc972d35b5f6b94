"""Events that units take in later, many at once: see `unit.Batch`.

To feed an event by itself costs several calls, and most events only add to a window that has nothing to say before it
closes. They wait by their places in the row that the engine is at, and never longer than it is there.
"""

from collections.abc import Callable, Sequence
from itertools import compress

from cepd.engine.arrivals import Arrivals
from cepd.engine.audience import Turn
from cepd.engine.running import failed
from cepd.engine.unit import Batch
from cepd.model.instant import Instant


class Waiting:
    def __init__(self, skip: Callable[[Turn, int], None]) -> None:
        """`skip` is told of how many events of a turn had no key."""
        self._skip = skip
        self._turns: list[tuple[Turn, Batch]] = []
        """Those whose batches hold events."""

    def add(self, met: Sequence[Turn], place: int, time: Instant, row: Arrivals) -> list[Turn]:
        """Those that have to be told of an event of that time now; for the others it waits."""
        now = []
        for turn in met:
            batch = turn.batch
            if batch is None:
                now.append(turn)
            elif batch.start <= time < batch.end:
                if not batch.places:
                    self._turns.append((turn, batch))
                batch.places.append(place)
            else:
                if batch.places:
                    self.end(row)
                now.append(turn)
        return now

    def end(self, row: Arrivals) -> None:
        """The units take in all that waits for them."""
        for turn, batch in self._turns:
            places, batch.places = batch.places, []
            try:
                self._feed(turn, batch, row, places)
            except Exception as error:  # noqa: BLE001  one rule's failure is its own: counted, shown, the others go on
                failed(turn.running, error)
        self._turns.clear()

    def _feed(self, turn: Turn, batch: Batch, row: Arrivals, places: Sequence[int]) -> None:
        views = [row.views[place] for place in places]
        keys = turn.keys(views)
        if None in keys:
            held = [key is not None for key in keys]
            places, views = list(compress(places, held)), list(compress(views, held))
            self._skip(turn, len(keys) - len(places))
        batch.feed(row, places, views, [key for key in keys if key is not None])
        turn.fed += len(places)
