"""Rows of the benchmark: what was measured, the figure, its ratio, what was promised and whether it holds."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench.targets import Promise

DECODE_ONLY = "decode-only"


class Row(NamedTuple):
    """`ratio` is to what `of` names: for throughput the share of it, for costs the multiple."""

    what: str
    figure: float
    unit: str
    ratio: float
    of: str
    promise: Promise | None = None

    @property
    def holds(self) -> str:
        """Empty where nothing is promised."""
        return "" if self.promise is None else self.promise.verdict(self.ratio)


def share(what: str, cost: float, bound: float, promise: Promise | None = None, of: str = DECODE_ONLY) -> Row:
    """A row about throughput; `cost` and `bound` are seconds an event."""
    return Row(what, cost * 1e6, "us/event", bound / cost, of, promise)


def added(what: str, cost: float, bound: float, promise: Promise | None = None) -> Row:
    """A row about what something adds to an event, in seconds, as a multiple of decode-only."""
    return Row(what, cost * 1e6, "us/event", cost / bound, f"{DECODE_ONLY}, added", promise)


def multiple(what: str, cost: float, base: float, of: str, promise: Promise | None = None) -> Row:
    """A row about a cost, in seconds, as a multiple of another one."""
    figure, unit = (cost * 1e6, "us/event") if base < 1e-3 else (cost * 1e3, "ms")
    return Row(what, figure, unit, cost / base, of, promise)


def as_text(rows: Sequence[Row]) -> str:
    """A table for people; a line with `below` or `above` in its last column misses what was promised."""
    cells = [("what", "figure", "ratio", "of", "promised", "")]
    cells += [
        (
            row.what,
            f"{row.figure:,.{_places(row.figure)}f} {row.unit}",
            _short(row.ratio),
            row.of,
            _told(row),
            row.holds,
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if place in (1, 2) else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def as_json(rows: Sequence[Row]) -> str:
    told = [
        {**row._asdict(), "promise": None if row.promise is None else row.promise._asdict(), "holds": row.holds}
        for row in rows
    ]
    return json.dumps(told, indent=2)


def _places(figure: float) -> int:
    return 0 if figure >= 100 else 2


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def _told(row: Row) -> str:
    return "" if row.promise is None else str(row.promise)
