"""What a rule says to the findings of a value: whether it is an anomaly for this rule, and that in words.

Rules of one baseline differ here alone: in threshold, multiplier, sensitivity, min_baseline, direction, min_change,
consecutive and cooldown.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self

import msgspec

from cepd.engine.anomaly.auto import LINES
from cepd.engine.baseline import Baseline, Finding, methods_of
from cepd.model.duration import HOUR, Span
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import AnomalyTrigger, Rule


class Tuning(msgspec.Struct, frozen=True):
    method: str
    lines: Mapping[str, float]
    """The score above which a value is an anomaly, by the name of the method that found it."""
    min_baseline: int
    direction: Literal["both", "up", "down"]
    min_change: float
    consecutive: int
    cooldown: Span

    @classmethod
    def of(cls, trigger: AnomalyTrigger) -> Self:
        given = trigger.parameters
        return cls(
            method=trigger.method,
            lines=_lines(trigger.method, given),
            min_baseline=given.get("min_baseline", 200),
            direction=given.get("direction", "both"),
            min_change=given.get("min_change", 0),
            consecutive=given.get("consecutive", 1),
            cooldown=given.get("cooldown", 2 * HOUR),
        )


def _lines(method: str, given: Mapping[str, Any]) -> Mapping[str, float]:
    if method == "auto":
        return LINES[given.get("sensitivity", "medium")]
    own = given.get("multiplier" if method == "iqr" else "threshold")
    return {name: found.line if own is None else own for name, found in methods_of(method).items()}


def least_share(tuning: Tuning) -> float:
    """A value with a smaller `share_of_line` is no anomaly for the rule."""
    methods = methods_of(tuning.method)
    return min(line / methods[name].line for name, line in tuning.lines.items())


def lowest_lines(tunings: Iterable[Tuning]) -> Mapping[str, float]:
    """By the name of the method the line that some rule goes by and none is below."""
    lowest: dict[str, float] = {}
    for tuning in tunings:
        for name, line in tuning.lines.items():
            lowest[name] = min(line, lowest.get(name, line))
    return lowest


def reaches(findings: Sequence[Finding], lines: Mapping[str, float]) -> bool:
    """Whether a score is above its line. Where none is above the lowest line of all, no rule calls the value an
    anomaly, whatever its direction and the least change are."""
    for finding in findings:  # noqa: SIM110  half of what `any` over a generator costs
        if abs(finding.score) > lines[finding.method.name]:
            return True
    return False


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """The finding that says most, by its share of its line. `score` counts in the rule's direction alone."""

    finding: Finding
    line: float
    score: float
    is_anomaly: bool


def judge(tuning: Tuning, findings: Sequence[Finding]) -> Judgement | None:
    """None while there is too little to judge by: that is neither an anomaly nor none."""
    best: Judgement | None = None
    most = (False, -1.0)
    for finding in findings:
        if finding.samples < tuning.min_baseline:
            continue
        score = _directed(finding.score, tuning.direction)
        line = tuning.lines[finding.method.name]
        is_anomaly = score > line and _moved(finding, tuning.min_change)
        says = (is_anomaly, score / line)
        if says > most:
            best, most = Judgement(finding, line, score, is_anomaly), says
    return best


def _directed(score: float, direction: str) -> float:
    if direction == "both":
        return abs(score)
    return max(score if direction == "up" else -score, 0.0)


def _moved(finding: Finding, least: float) -> bool:
    return not least or max(finding.shown - finding.highest, finding.lowest - finding.shown) >= least


def verdict(
    tuning: Tuning, baseline: Baseline, since: Instant, findings: Sequence[Finding], value: Json
) -> dict[str, Json]:
    """The verdict on a value as plain JSON. `baseline` is what the findings came from, with the value learned or not;
    `since` the time of the first value that it learned."""
    judged = judge(tuning, findings)
    if judged is None:
        return _warming_up(tuning, value, baseline.samples, format_instant(since))
    finding = judged.finding
    low, high = finding.expected(judged.line, tuning.min_change)
    return {
        "is_anomaly": judged.is_anomaly,
        "method": tuning.method,
        "reason": finding.method.name,
        "score": judged.score,
        "threshold": judged.line,
        "value": value,
        "expected": {"low": low, "high": high, "center": finding.center},
        "details": details(finding, findings),
        "baseline": {
            "status": "flat" if finding.flat else "ready",
            "samples": baseline.samples,
            "since": format_instant(since),
        },
        "text": f"{_sentence(finding)}; expected {low:.6g} to {high:.6g}",
    }


def details(finding: Finding, findings: Sequence[Finding]) -> dict[str, Json]:
    """What the finding was made of; beside it the scores of all, where there are more."""
    found: dict[str, Json] = {name: getattr(finding, attribute) for name, attribute in finding.method.details.items()}
    found["direction"] = "up" if finding.score > 0 else "down" if finding.score < 0 else None
    if len(findings) > 1:
        found["scores"] = {one.method.name: one.score for one in findings}
    return found


def _sentence(finding: Finding) -> str:
    method, score = finding.method, finding.score
    subject = f"{method.subject} {finding.shown:.6g}"
    if not score:
        return f"{subject} does not differ from {method.reference} ({finding.center:.6g})"
    side, edge = ("above", finding.highest) if score > 0 else ("below", finding.lowest)
    return f"{subject} is {abs(score):.3g} {method.unit} {side} {method.reference} ({edge:.6g})"


def _warming_up(tuning: Tuning, value: Json, samples: int, since: str | None) -> dict[str, Json]:
    return {
        "is_anomaly": False,
        "method": tuning.method,
        "reason": "warming_up",
        "score": 0.0,
        "threshold": next(iter(tuning.lines.values())) if len(tuning.lines) == 1 else None,
        "value": value,
        "expected": None,
        "details": {},
        "baseline": {"status": "warming_up", "samples": samples, "needed": tuning.min_baseline, "since": since},
        "text": f"the baseline is warming up: {samples} values, {tuning.min_baseline} are needed",
    }


def without_baseline(rule: Rule, value: Json) -> dict[str, Json]:
    """The verdict of an anomaly rule on one value alone: never an anomaly."""
    assert isinstance(rule.trigger, AnomalyTrigger)
    return _warming_up(Tuning.of(rule.trigger), value, 0, None)
