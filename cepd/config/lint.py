"""What is allowed and probably not meant: warnings, whose level the settings can change."""

from collections.abc import Iterator, Mapping
from typing import Any

from cepd.config.catalog import Catalog
from cepd.config.lint_state import names_of_aggregates
from cepd.config.pointers import Path, path_of, value_at
from cepd.config.schemas import types_in
from cepd.config.sheets import Sheet
from cepd.config.sites import Site
from cepd.engine.paths import fields_of, operand_fields, tests_of
from cepd.engine.support import cannot_run, unsupported
from cepd.model.condition import All, AnyOf, Condition, Not, Test
from cepd.model.json import Json
from cepd.model.keeping import TableTarget
from cepd.model.rule import Rule
from cepd.templating.environment import Template
from cepd.templating.names import ALWAYS

_ENVELOPE = frozenset(("id", "type", "event_type", "source", "time", "timestamp", "ts"))
_VERDICT = frozenset(
    ("is_anomaly", "method", "reason", "score", "threshold", "value", "expected", "details", "baseline", "text")
)
_OF_TRIGGER = {"anomaly": _VERDICT, "metric": frozenset(("value",)), "new_value": frozenset(("new_value",))}
"""Names that firings of a trigger's type bring."""


def idle_because(rule: Rule, path: Path, sheet: Sheet, catalog: Catalog) -> str | None:
    """Why a rule does not run, in words; None where it does. Adds a warning for what cepd cannot run yet: of a disabled
    rule too, whose reason is that it is disabled."""
    lacking = [(part.words, (*path, *part.path)) for part in unsupported(rule)]
    lacking += _unbuilt_actions(path, sheet, catalog)
    for words, at in lacking:
        help = "the rule stays inactive; leave it out, or wait for a version that can"
        sheet.findings.add("CEP301", at, cannot_run(words), help)
    if not rule.enabled:
        return "disabled"
    return cannot_run(", ".join(words for words, _ in lacking)) if lacking else None


def _unbuilt_actions(path: Path, sheet: Sheet, catalog: Catalog) -> Iterator[tuple[str, Path]]:
    for at, action in _actions(value_at(sheet.data, (*path, "actions")), (*path, "actions")):
        kind = action.get("type", "webhook")
        if kind in types_in("actions") and kind not in catalog.actions:
            yield f"the action {kind}", (*at, "type")
        elif kind == "store" and isinstance(sheet.meant.get((*at, "target")), TableTarget):
            yield "the action store into a table", (*at, "target")


def _actions(listed: Json, path: Path) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    """Every action, those inside others too."""
    for index, action in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(action, dict):
            yield (*path, index), action
            yield from _actions(action.get("actions"), (*path, index, "actions"))


def lint_sheet(sheet: Sheet, catalog: Catalog, metrics_base_url: str | None) -> None:
    """Adds the warnings of one document that need no built rule."""
    for site in sheet.sites:
        if site.unbuilt and site.value is not None and sheet.findings.clean(site.path):
            message = f"{site.path[-1]} has no effect yet"
            sheet.findings.add("CEP302", site.path, message, "leave it out, or know that nothing comes of it", at="key")
        if site.format == "poll-url" and metrics_base_url is None and sheet.meant.get(site.path, "").startswith("/"):
            help = "set metrics_base_url in cepd.yaml, or write the whole address"
            sheet.findings.add("CEP307", site.path, "a relative address needs metrics_base_url", help)
        if site.format == "condition" and site.path in sheet.meant:
            _lint_condition(site, sheet)
    if sheet.kind == "Channel":
        kind = sheet.data.get("type")
        if kind in types_in("channels") and kind not in catalog.channels:
            message = f"cepd cannot send to {kind} yet"
            sheet.findings.add("CEP306", ("type",), message, "messages to it fail; use a webhook meanwhile")


def _lint_condition(site: Site, sheet: Sheet) -> None:
    condition: Condition = sheet.meant[site.path]
    metric = value_at(sheet.data, (*site.path[:2], "trigger", "metric"))
    doubtful = list(dict.fromkeys(_negated(condition, {metric} if isinstance(metric, str) else set())))
    if doubtful:
        message = f"not holds where {' or '.join(doubtful)} is missing from the event, too"
        help = f"if that is not meant, write exists({doubtful[0]}) and not …"
        sheet.findings.add("CEP304", site.path, message, help)
    if any(not list(operand_fields(test)) for test in tests_of(condition)):
        message = "a part of the condition names no field, so it is always the same"
        sheet.findings.add("CEP308", site.path, message, "names stand without quotes, text with them")


def _negated(condition: Condition, certain: set[str]) -> Iterator[str]:
    """Fields under a `not` whose presence nothing beside it asks for."""
    match condition:
        case Not(item):
            asked = [test for test in tests_of(item) if test.op != "exists"]
            yield from (field.path for test in asked for field in operand_fields(test) if field.path not in certain)
        case All(items):
            beside = {field.path for item in items if isinstance(item, Test) for field in operand_fields(item)}
            for item in items:
                yield from _negated(item, certain | beside)
        case AnyOf(items):
            for item in items:
                yield from _negated(item, certain)


def lint_texts(rule: Rule, path: Path, sheet: Sheet) -> None:
    """Adds each name of a rule's texts that nothing in the rule mentions."""
    known = _mentioned(rule, path, sheet)
    for site in sheet.sites_in(path):
        compiled = sheet.meant.get(site.path)
        if site.format not in ("template", "templates") or compiled is None:
            continue
        for name, offset, at in _mentions(compiled, site):
            if name not in known:
                help = f"write event.{name}, or name the field in when or group_by"
                message = f"nothing in the rule mentions {name!r}, which the text needs"
                sheet.findings.add("CEP303", at, message, help, span=(offset, offset + len(name)))


def _mentions(compiled: Any, site: Site) -> Iterator[tuple[str, int, Path]]:
    if isinstance(compiled, Template):
        for name, offset in compiled.mentions.items():
            yield name, offset, site.path
        return
    for pointer, text in compiled.texts.items():
        for name, offset in text.mentions.items():
            yield name, offset, (*site.path, *path_of(pointer, site.value))


def _mentioned(rule: Rule, path: Path, sheet: Sheet) -> set[str]:
    """First parts of every field that the rule names anywhere but in its texts."""
    fields: set[str] = {*rule.group_by, *names_of_aggregates(rule)}
    for site in sheet.sites_in(path):
        meant = sheet.meant.get(site.path)
        if site.format == "field" and isinstance(meant, str):
            fields.add(meant)
        elif site.format == "condition" and meant is not None:
            fields |= fields_of(meant)
    steps = value_at(sheet.data, (*path, "trigger", "steps"))
    fields |= {step["id"] for step in steps or () if isinstance(step, dict) and isinstance(step.get("id"), str)}
    known = {field.partition(".")[0] for field in fields} | ALWAYS | _ENVELOPE
    kind = value_at(sheet.data, (*path, "trigger", "type"))
    return known | _OF_TRIGGER.get(kind, frozenset())
