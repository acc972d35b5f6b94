"""Which rules the engine can run. The one place that says so; a rule that it cannot run is inactive as a whole."""

from cepd.model.rule import EventTrigger, MetricTrigger, Rule


def unsupported(rule: Rule) -> str | None:
    """What keeps the engine from running the rule, in words; None where it can. Targeted events work all the same."""
    parts = [name for name, there in _parts(rule) if there]
    return f"cepd cannot run this yet: {', '.join(parts)}" if parts else None


def _parts(rule: Rule) -> list[tuple[str, bool]]:
    trigger = rule.trigger
    kind: str = trigger.__struct_config__.tag  # type: ignore[assignment]
    return [
        (f"{kind} trigger", not isinstance(trigger, EventTrigger | MetricTrigger)),
        ("poll", isinstance(trigger, MetricTrigger) and trigger.poll is not None),
        ("enrich", bool(rule.enrich)),
        ("window", rule.window is not None),
        ("aggregate", bool(rule.aggregate)),
        ("having", rule.having is not None),
        ("for", rule.hold is not None),
        ("resolve", rule.resolve is not None),
    ]
