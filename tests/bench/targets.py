"""What is promised of cepd's speed, as ratios within one run; each topic takes its promises from here.

Throughput is promised as a share of decode-only: `msgspec.json.Decoder().decode_lines` of the same lines, in bodies of
500, to dicts that are dropped. Other promises are multiples of what the row's last column names.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias


class AtLeast(NamedTuple):
    """A share of throughput. `floor`: what it must never fall below."""

    target: float
    floor: float | None = None

    def verdict(self, ratio: float) -> str:
        if ratio >= self.target:
            return "ok"
        return "below" if self.floor is None or ratio >= self.floor else "below floor"

    def __str__(self) -> str:
        return f">= {self.target:g}" + ("" if self.floor is None else f" (floor {self.floor:g})")


class AtMost(NamedTuple):
    """A multiple of a cost."""

    target: float

    def verdict(self, ratio: float) -> str:
        return "ok" if ratio <= self.target else "above"

    def __str__(self) -> str:
        return f"<= {self.target:g}"


Promise: TypeAlias = AtLeast | AtMost

STATELESS: Mapping[int, AtLeast] = {100: AtLeast(0.95, 0.67), 1_000: AtLeast(0.7, 0.5), 10_000: AtLeast(0.4, 0.25)}
"""Raw bytes to matches, by the number of rules; of mixes that an index can serve."""

PEERS: Mapping[str, AtLeast] = {"w1": AtLeast(0.67), "w2": AtLeast(0.4), "w3": AtLeast(0.5)}
"""Raw bytes to firings, by workload."""

ALL_ON = AtLeast(0.25)
"""A body to firings: windows, duplicates, journal; with 1,000 rules."""

DAEMON: Mapping[int, AtLeast] = {500: AtLeast(0.2)}
"""HTTP to firings, by events a request."""

SHARED_WINDOWS = AtMost(1.5)
"""A hundred rules that differ in their thresholds, of one such rule."""

COLD_KEYS = AtMost(1.5)
"""What the first event of a key adds, of decode-only."""

ANOMALY: Mapping[str, AtMost] = {
    "auto": AtMost(12),
    **dict.fromkeys(("zscore", "iqr", "ema", "level_shift", "extreme", "seasonal", "volatility"), AtMost(4)),
}
"""What a value adds, of decode-only, by method."""

JOURNAL = AtMost(0.5)
"""What an event costs in a batch of 500, of decode-only."""

THRESHOLDS = AtMost(1.3)
"""10,000 thresholds on one field, of ten."""

CONTAINS = AtMost(8)
"""10,000 texts looked for in one field, of one."""
