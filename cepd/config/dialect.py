"""The documents' own dialect of rules, translated into rule packs. Nothing after this module knows of it.

A bare rule, without `kind`, becomes a pack of one. The translation never fails: what it cannot read is a finding at
its place and the rest goes on. It does not check values that it only moves; the schema does, on what comes out.
"""

import re
from typing import Literal, NamedTuple

from cepd.config.canonical import rule_in_order
from cepd.config.dialect_actions import read_actions, seconds
from cepd.config.dialect_conditions import bare, joined, read_tree
from cepd.config.dialect_fields import Fields, Finding, Taken, settle
from cepd.config.dialect_trigger import read_trigger
from cepd.config.dialect_windows import GROUP_BY, keys_of, read_timing
from cepd.config.pointers import Path, path_of, pointer_of
from cepd.config.respell import as_written, rename
from cepd.model.json import Json

_RULE_MARKS = frozenset(
    (
        "rule_id",
        "rule_name",
        "trigger_type",
        "trigger_spec",
        "trigger",
        "composite_condition",
        "window_config",
        "action_spec",
        "action_config",
        "actions",
    )
)
_API_MARKS = frozenset(("api_id", "api_name", "api_type", "logic_type", "logic_body", "param_schema"))

_MOVED = {
    "id": ("rule_id", "id"),
    "name": ("rule_name", "name"),
    "description": ("description", "rule_description"),
    "rollback": ("rollback", "rollback_strategy"),
    "enabled": ("is_active", "enabled"),
    "enrich": ("enrich", "enrichment"),
    "suppress": ("suppress", "suppression"),
    **{
        name: (name,)
        for name in (
            "severity",
            "priority",
            "owner",
            "backup_owner",
            "runbook",
            "tags",
            "having",
            "for",
            "resolve",
            "concurrency",
            "max_keys",
            "max_alerts",
            "time",
        )
    },
}
"""Fields that only change their name."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_OUTSIDE_NAMES = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_LONGEST_NAME = 128


class Translation(NamedTuple):
    """`document` is a rule pack in canonical order; empty for an API, which cannot run yet.

    `origins` leads from each JSON pointer in it to the place in the original that it came from.
    """

    document: dict[str, Json]
    origins: dict[str, str]
    findings: list[Finding]


def is_dialect(document: Json) -> Literal["rule", "api"] | None:
    """Whether a document without `kind` is a bare rule or a bare API of the dialect."""
    if not isinstance(document, dict) or "kind" in document:
        return None
    if not _RULE_MARKS.isdisjoint(document):
        return "rule"
    return "api" if not _API_MARKS.isdisjoint(document) else None


def api_names(document: dict[str, Json]) -> list[str]:
    """What an `api_id` of an action may call a bare API: its id, its name, and the id that its name makes."""
    given = [document[name] for name in ("api_id", "api_name") if isinstance(document.get(name), str)]
    slugs = [slug for name in given if (slug := _slug(name))]
    return list(dict.fromkeys(given + slugs))


def translate(document: dict[str, Json], stem: str) -> Translation:
    """The rule pack that a bare rule means. `stem` is the file's name without its ending: the last resort for an id."""
    if is_dialect(document) == "api":
        message, remedy = "APIs cannot run yet", "leave the file as it is: actions may name the API already"
        return Translation({}, {}, [Finding("CEP311", "", message, remedy)])
    former: dict[Path, str] = {}
    told: list[Finding] = []
    found = _translated(document, stem)
    while slips := _outermost([finding for finding in found.findings if finding.meant]):
        told += slips
        for slip in slips:
            path = path_of(slip.pointer, document)
            document = rename(document, path, slip.meant)
            former[(*path[:-1], slip.meant)] = str(path[-1])
        found = _translated(document, stem)
    if not former:
        return found

    def original(pointer: str) -> str:
        return pointer_of(as_written(path_of(pointer, document), former))

    findings = [finding._replace(pointer=original(finding.pointer)) for finding in told + found.findings]
    return Translation(found.document, {at: original(there) for at, there in found.origins.items()}, findings)


def _outermost(slips: list[Finding]) -> list[Finding]:
    """Those nearest to the top, one for each place that is meant: below them, names may change with theirs."""
    depth = min((slip.pointer.count("/") for slip in slips), default=0)
    by_place = {(slip.pointer.rpartition("/")[0], slip.meant): slip for slip in reversed(slips)}
    return [slip for slip in slips if slip in by_place.values() and slip.pointer.count("/") == depth]


def _translated(document: dict[str, Json], stem: str) -> Translation:
    findings: list[Finding] = []
    given = Taken({name: value for name, value in document.items() if value is not None}, "")
    rule = dict(given.members()) if "trigger" in given.value else _rule(given, stem, findings)
    rule.setdefault("id", _id_of(rule.get("name"), stem))
    pack = {"kind": "RulePack", "name": _pack_name(rule["id"], stem), "rules": [Taken(rule_in_order(rule), "")]}
    settled, origins = settle(pack, document)
    return Translation(settled, origins, findings)


def _rule(given: Taken, stem: str, findings: list[Finding]) -> dict[str, Json]:
    names = (given.value.get(name) for name in ("rule_id", "id", "rule_name", "name"))
    label = f"rule {next((name for name in names if name), stem)}"
    fields = Fields(given, label, findings)
    parts: dict[str, Json] = {**fields.take_all(_MOVED)}
    timeout, group_by = fields.take("timeout_seconds", "timeout"), fields.take(*GROUP_BY)
    if timeout is not None:
        parts["timeout"] = seconds(timeout)
    parts["actions"] = read_actions(
        fields.take("action_spec"), fields.take("actions"), fields.take("action_config"), label, findings
    )
    spec = read_trigger(fields.take("trigger_type"), fields.take("trigger_spec"), label, findings)
    composite = fields.take("composite_condition", "when")
    when = spec.when + ([read_tree(composite, findings)] if composite is not None else [])
    timing = read_timing(
        spec, fields.take("window_config", "window"), fields.take("aggregation"), when, label, findings
    )
    fields.end()
    having = timing.having + [parts[name] for name in ("having",) if name in parts]
    keys = ([group_by] if group_by is not None else []) + timing.group_by
    parts |= {
        "trigger": Taken(timing.trigger, spec.pointer),
        "when": joined(timing.when) if timing.when else None,
        "group_by": keys_of(keys, label, findings) if keys else None,
        "window": timing.window,
        "aggregate": timing.aggregates or None,
        "having": joined(having) if having else None,
    }
    if timing.hold is not None:
        parts["for"] = timing.hold
    return {name: part for name, part in parts.items() if part is not None}


def _id_of(name: Json, stem: str) -> Json:
    """The id of a rule without one, from its name."""
    text = bare(name)
    slug = _slug(text) if isinstance(text, str) else ""
    return Taken(slug, name.pointer) if slug else stem


def _pack_name(rule_id: Json, stem: str) -> Json:
    """The rule's id; where that is no name, a name near it, so that a bad id is one finding and not two."""
    text = str(bare(rule_id))
    return Taken(text if _NAME.fullmatch(text) else _slug(text) or _slug(stem) or "rule", "")


def _slug(text: str) -> str:
    """A name made of text: each run of other characters is one `-`, none at its ends; empty where nothing is left."""
    if _NAME.fullmatch(text):
        return text
    return _OUTSIDE_NAMES.sub("-", text).strip("-").lstrip("._-")[:_LONGEST_NAME]
