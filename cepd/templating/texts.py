"""The built-in texts: what is said where a rule gives no text, where its text fails, and of what has no event.

Plain sentences for people, made of the firing and the rule alone, so that they cannot fail.
"""

from collections.abc import Mapping

import msgspec

from cepd.model.alert import Alert
from cepd.model.duration import format_duration
from cepd.model.errors import TemplateError
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.rule import Rule
from cepd.templating.environment import Template, compile_text
from cepd.templating.names import names_of

_SUMMARY_LENGTH = 500


def default_text(firing: Firing, definition: Definition) -> str:
    """The message of a firing whose rule has none."""
    rule = definition.rule
    subject = _subject(firing, rule)
    match firing.kind:
        case "fired" | "continued":
            return f"{rule.name} fired{_for_key(firing.key)}"
        case "storm":
            return f"[storm] {rule.name} fired more than {rule.max_alerts} times in a minute: the rest is counted here"
        case "resolved":
            return f"[resolved] {subject}{_cause(firing)}"
        case "summary" if firing.reason == "storm":
            return f"[summary] {subject}: {firing.count} alerts in the storm"
        case "summary":
            return f"[summary] {_folded(firing)} more{_within(rule)}: {subject}, {firing.count} in all, {firing.state}"


def error_text(error: TemplateError, firing: Firing, definition: Definition) -> str:
    """The message that goes out in place of one that failed to render."""
    place = f" at {error.pointer}" if error.pointer else ""
    return f"{default_text(firing, definition)} (its own text failed{place}: {error.message})"


def message_text(template: Template | None, firing: Firing, definition: Definition, names: Mapping[str, Json]) -> str:
    """What a rule says of a firing: its own text, else the alert's summary; a built-in text for what no event fired.
    Never raises for a template."""
    if firing.kind != "fired":
        return default_text(firing, definition)
    if template is None:
        return str(names["summary"]) or default_text(firing, definition)
    try:
        return template.render(names)
    except TemplateError as error:
        return error_text(error, firing, definition)


def summary_of(firing: Firing, alert: Alert, definition: Definition) -> str:
    """One line for lists: the event's own `summary`, else the rule's first message, else the built-in text.

    `alert` is complete but for its summary; a message that names `summary` itself reads the built-in text there.
    """
    given = alert.payload.get("summary") if isinstance(alert.payload, dict) else None
    if firing.kind == "fired" and isinstance(given, str) and given.strip():
        return _one_line(given)
    stand_in = msgspec.structs.replace(alert, summary=default_text(firing, definition))
    names = names_of(firing, stand_in, definition)
    return _one_line(message_text(_first_message(definition.rule), firing, definition, names))


def _first_message(rule: Rule) -> Template | None:
    messages = (action.options.get("message") for action in rule.actions if action.type == "notify")
    return next((compile_text(message) for message in messages if isinstance(message, str)), None)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SUMMARY_LENGTH else line[: _SUMMARY_LENGTH - 1] + "…"


def _subject(firing: Firing, rule: Rule) -> str:
    return rule.name + _for_key(firing.key)


def _for_key(key: dict[str, Json]) -> str:
    return " for " + ", ".join(f"{name}={_plain(value)}" for name, value in key.items()) if key else ""


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _folded(firing: Firing) -> int:
    folded = firing.values.get("folded")
    return folded if isinstance(folded, int) else firing.count - 1


def _within(rule: Rule) -> str:
    return f" within {format_duration(rule.suppress.window)}" if rule.suppress else ""


def _cause(firing: Firing) -> str:
    causes = {"no_data": ": no more data", "rule_changed": ": its rule changed", "rule_removed": ": its rule is gone"}
    return causes.get(firing.reason or "", "")
