"""The bytes of a tree to a generation: everything that is wrong is a finding, everything that is right is built."""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from cepd.config.build import build_channel, build_rule, build_settings
from cepd.config.canonical import canonical_rule
from cepd.config.catalog import Catalog
from cepd.config.check import check
from cepd.config.findings import file_problem
from cepd.config.formats import read_sites
from cepd.config.kinds import sheet_of
from cepd.config.lint import idle_because, lint_sheet, lint_texts
from cepd.config.lint_costs import lint_costs
from cepd.config.lint_state import lint_state
from cepd.config.lint_tests import lint_test
from cepd.config.parse import parse
from cepd.config.references import check_references
from cepd.config.ruletests import build_test, check_test
from cepd.config.schemas import schema_of
from cepd.config.secrets import find_private, find_secrets
from cepd.config.semantics import check_rule
from cepd.config.sheets import SCHEMAS, Sheet
from cepd.config.sites import sites_of
from cepd.config.tree import Tree, digest_of
from cepd.model.channel import ChannelSpec
from cepd.model.generation import Definition, Generation, SourceFile
from cepd.model.problem import Problem
from cepd.model.retention import EVERYTHING
from cepd.model.settings import Settings

MOST_PROBLEMS = 100
"""Findings shown of one file; what is beyond is counted."""
_GRAVEST = ("error", "warning", "info")


def load(tree: Tree, catalog: Catalog) -> Generation:
    """Reads, checks and builds a tree. Never raises for content; a rule or channel with an error is not built."""
    problems = list(tree.problems)
    sheets: list[Sheet] = []
    for file, data in tree.files.items():
        parsed = parse(file, data)
        problems += [file_problem(file, fault) for fault in parsed.faults]
        sheets += [sheet_of(document) for document in parsed.documents]
    known = [sheet for sheet in sheets if sheet.kind]
    for sheet in known:
        _read(sheet)
    check_references(known)
    settings = _settings(known)
    for sheet in known:
        lint_sheet(sheet, catalog, settings.metrics_base_url)
        _check_addresses(sheet, settings)
    definitions: dict[str, list[Definition]] = {}
    for sheet in known:
        definitions.setdefault(sheet.file, []).extend(_definitions(sheet, catalog))
    tests = [sheet for sheet in known if sheet.kind == "RuleTest" and sheet.findings.clean(())]
    for sheet in tests:
        lint_test(sheet, [one.rule for found in definitions.values() for one in found])
    versions = {sheet.file for sheet in known if sheet.is_version}
    running = [one for file, found in definitions.items() if file not in versions for one in found]
    lint_costs([one.rule for one in running if one.active], known)
    channels = dict(_channels(known))
    for sheet in sheets:
        problems += sheet.findings.problems
    levelled = _levelled(problems, settings)
    return Generation(
        digest=digest_of(tree.files),
        settings=settings,
        definitions=tuple(running),
        channels=channels,
        files=_files(tree, levelled),
        problems=tuple(_capped(levelled)),
        tests=tuple(map(build_test, tests)),
        versions={file: tuple(found) for file, found in definitions.items() if file in versions},
    )


def _read(sheet: Sheet) -> None:
    """Checks one document by itself."""
    readable = [path for path, _ in sheet.rules() if sheet.findings.clean(path)]
    find_secrets(sheet.findings)
    name = SCHEMAS.get(sheet.kind)
    if name is None:
        return
    check(name, sheet.findings)
    sheet.take(sites_of(sheet.data, schema_of(name)))
    sheet.meant.update(read_sites(sheet.sites, sheet.findings))
    for path in readable:
        check_rule(path, sheet.meant, sheet.findings)
    if sheet.kind == "RuleTest":
        check_test(sheet.meant, sheet.findings)
    if sheet.is_version and sheet.kind != "RulePack":
        help = "move the document to another file"
        sheet.findings.add("CEP140", ("kind",), "a file that tests reload holds rule packs and nothing else", help)


def _settings(sheets: Sequence[Sheet]) -> Settings:
    """The settings of the tree, without the fields that have errors."""
    found = [sheet for sheet in sheets if sheet.kind == "Settings"]
    for sheet in found[1:]:
        sheet.findings.add("CEP131", (), "the settings are one document", "join them", at="first_key")
    if not found or not isinstance(found[0].data, dict):
        return Settings()
    first = found[0]
    sound = {key: value for key, value in first.data.items() if first.findings.clean((key,))}
    settings = build_settings(sound, first.meant)
    if "retention" in first.data and "retention" not in sound:
        return msgspec.structs.replace(settings, retention=EVERYTHING)  # a slip of the pen must not delete
    return settings


def _check_addresses(sheet: Sheet, settings: Settings) -> None:
    allow_private = sheet.kind == "Channel" and sheet.data.get("allow_private") is True
    allowed = settings.egress if sheet.kind == "RulePack" else ()
    for site in sheet.sites:
        if site.format in ("url", "poll-url") and sheet.kind != "Settings":
            find_private(site, allow_private, allowed, sheet.findings)


def _definitions(sheet: Sheet, catalog: Catalog) -> Iterator[Definition]:
    for path, document in sheet.rules():
        if sheet.guessed or not sheet.findings.clean(path):
            continue
        owner = sheet.data.get("owner")
        rule = build_rule(document, path, sheet.meant, owner if isinstance(owner, str) else None)
        lint_texts(rule, path, sheet)
        lint_state(rule, path, sheet)
        reason = idle_because(rule, path, sheet, catalog)
        yield Definition(
            rule=rule,
            document=canonical_rule(document) if sheet.bare else document,
            pack=str(sheet.data.get("name", "")),
            file=sheet.file,
            line=sheet.findings.line(path),
            active=reason is None,
            reason=reason,
        )


def _channels(sheets: Sequence[Sheet]) -> Iterator[tuple[str, ChannelSpec]]:
    for sheet in sheets:
        if sheet.kind == "Channel" and not sheet.is_version and sheet.findings.clean(()):
            spec = build_channel(sheet.data, sheet.meant)
            yield spec.name, spec


def _levelled(problems: list[Problem], settings: Settings) -> list[Problem]:
    """The problems at the levels that the settings give to lint codes."""
    kept = []
    for problem in problems:
        level = settings.lint.get(problem.code, problem.severity)
        if level == problem.severity:
            kept.append(problem)
        elif level != "off":
            kept.append(msgspec.structs.replace(problem, severity=level))
    return kept


def _files(tree: Tree, problems: Sequence[Problem]) -> tuple[SourceFile, ...]:
    wrong = {problem.file for problem in problems if problem.severity == "error"}
    return tuple(
        SourceFile(path=path, digest=hashlib.sha256(data).hexdigest(), status="rejected" if path in wrong else "active")
        for path, data in tree.files.items()
    )


def _capped(problems: Sequence[Problem]) -> Iterator[Problem]:
    """By file and line; of each file at most MOST_PROBLEMS, the gravest first, then how many more there are."""
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    for file in sorted(by_file):
        found = sorted(by_file[file], key=lambda problem: _GRAVEST.index(problem.severity))
        yield from sorted(found[:MOST_PROBLEMS], key=_order)
        if len(found) > MOST_PROBLEMS:
            more = len(found) - MOST_PROBLEMS
            yield Problem(
                code="CEP011",
                severity="info" if found[MOST_PROBLEMS].severity == "info" else "warning",
                message=f"{more} more findings are not shown",
                help="mend those above first",
                file=file,
            )


def _order(problem: Problem) -> tuple[int, int, str, str]:
    return problem.line, problem.column, problem.code, problem.message
