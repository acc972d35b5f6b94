"""Scores as shares of their method's own line: what scores of different methods are compared and counted by.

They say how far out a value is, not whether that is an anomaly: each rule has lines of its own (`cepd.engine.verdict`).
"""

from collections.abc import Mapping, Sequence

from cepd.engine.baseline import Finding, methods_of
from cepd.model.json import Json

ENDS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Where the classes of the distribution of scores end; the last one has no end."""


def no_counts() -> list[int]:
    return [0] * (len(ENDS) + 1)


def share_of_line(findings: Sequence[Finding]) -> float:
    """The greatest score, up or down, as a share of its method's own line."""
    most = 0.0
    for finding in findings:
        share = abs(finding.score) / finding.method.line
        if share > most:
            most = share
    return most


def distribution(method: str, counts: Sequence[int]) -> list[Mapping[str, Json]]:
    """How many scores were in each class: for a method alone in points of score, for several in shares."""
    methods = list(methods_of(method).values())
    line = methods[0].line if len(methods) == 1 else 1.0
    ends = [share * line for share in ENDS]
    return [
        {"from": start, "to": end, "count": count}
        for start, end, count in zip([0.0, *ends], [*ends, None], counts, strict=True)
    ]
