"""Warnings about what a rule remembers: windows, what is asked of them, and baselines."""

from cepd.config.pointers import Path
from cepd.config.sheets import Sheet
from cepd.engine.paths import fields_of
from cepd.model.rule import AnomalyTrigger, EventTrigger, Rule, SequenceTrigger
from cepd.model.spelling import did_you_mean

SAFE_BASELINE = 100
"""Values below which a baseline gives two to three times as many false alarms at first."""
SAFE_ZSCORE_WINDOW = 300
"""Values below which a rolling z-score gives several times as many false alarms."""


def lint_state(rule: Rule, path: Path, sheet: Sheet) -> None:
    """Adds the warnings of one built rule."""
    _eager(rule, path, sheet)
    _having(rule, path, sheet)
    _when(rule, path, sheet)
    _always(rule, path, sheet)
    if isinstance(rule.trigger, AnomalyTrigger):
        _baseline(rule.trigger, path, sheet)
    if isinstance(rule.trigger, SequenceTrigger) and rule.trigger.order == "strict":
        _steps(rule.trigger, path, sheet)


def names_of_aggregates(rule: Rule) -> tuple[str, ...]:
    """The names that a window's values have; `<name>_approximate` says of one that it is an estimate."""
    return (*rule.aggregate, *(f"{name}_approximate" for name in rule.aggregate))


def _eager(rule: Rule, path: Path, sheet: Sheet) -> None:
    if rule.window is not None and rule.window.emit == "eager" and rule.having is None:
        message = "without having the rule fires at the first event of each window"
        sheet.findings.add("CEP320", (*path, "window", "emit"), message, "add a having, or leave emit out")


def _having(rule: Rule, path: Path, sheet: Sheet) -> None:
    if rule.having is None:
        return
    known = (*names_of_aggregates(rule), *rule.group_by)
    for name in sorted(fields_of(rule.having)):
        if name not in known and name.partition(".")[0] not in rule.aggregate:
            message = f"having names {name!r}, which is no aggregate and no key of the rule, so it has no value"
            help = did_you_mean(name, (*rule.aggregate, *rule.group_by))
            sheet.findings.add("CEP321", (*path, "having"), message, help)


def _when(rule: Rule, path: Path, sheet: Sheet) -> None:
    if rule.when is None:
        return
    fields = {found.field for found in rule.aggregate.values()}
    for name in sorted(fields_of(rule.when) & rule.aggregate.keys() - fields):
        message = f"when names the aggregate {name!r}, and is asked of each event by itself"
        sheet.findings.add("CEP322", (*path, "when"), message, "write it in having, which is asked of the window")


def _always(rule: Rule, path: Path, sheet: Sheet) -> None:
    """A rule on single events that is always true, and waits for it to turn false."""
    if not isinstance(rule.trigger, EventTrigger) or rule.window is not None or rule.when is not None:
        return
    field = "for" if rule.hold else "resolve"
    if (rule.hold or rule.resolve) and (rule.resolve is None or rule.resolve.after is None):
        message = "a rule without when never turns false, so each key has one alert that nothing ends"
        help = "add when, or say after how much silence: resolve: {after: 15m}"
        sheet.findings.add("CEP325", (*path, field), message, help, at="key")


def _baseline(trigger: AnomalyTrigger, path: Path, sheet: Sheet) -> None:
    least, window = trigger.parameters.get("min_baseline"), trigger.parameters.get("window")
    if least is not None and least < SAFE_BASELINE:
        message = f"a baseline of {least} values gives false alarms at first"
        help = f"write {SAFE_BASELINE} or more; without it the rule waits for 200"
        sheet.findings.add("CEP323", (*path, "trigger", "min_baseline"), message, help)
    if trigger.method == "zscore" and window is not None and window < SAFE_ZSCORE_WINDOW:
        message = f"a z-score over {window} values gives many false alarms"
        help = f"write {SAFE_ZSCORE_WINDOW} or more; without it the window holds 1000"
        sheet.findings.add("CEP323", (*path, "trigger", "window"), message, help)


def _steps(trigger: SequenceTrigger, path: Path, sheet: Sheet) -> None:
    to_come = [step.id for step in trigger.steps]
    for index, step in enumerate(trigger.steps):
        role = () if step.role == "event" else (step.role,)
        for name in sorted(fields_of(step.when) if step.when is not None else ()):
            head, _, rest = name.partition(".")
            if rest and head in to_come[index:]:
                message = f"the step {head!r} has not come yet when {name} is asked for, so it has no value"
                at = (*path, "trigger", "steps", index, *role, "when")
                sheet.findings.add(
                    "CEP324", at, message, "compare in the later step; a field of the event has no prefix"
                )
