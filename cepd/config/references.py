"""What documents say of one another: names that are taken twice, lead nowhere, or lead in a circle."""

import difflib
from collections.abc import Collection, Iterable, Sequence

from cepd.config.dialect import api_names, is_dialect
from cepd.config.pointers import Path, value_at
from cepd.config.sheets import Sheet, beside
from cepd.config.sites import Site
from cepd.model.channel import ChannelSpec, find_channel
from cepd.model.json import Json
from cepd.model.keeping import TableTarget
from cepd.model.spelling import did_you_mean

LONG_CHAIN = 3
"""Links of a chain of rules from which on it is worth a warning."""


def check_references(sheets: Sequence[Sheet]) -> None:
    """Adds every duplicate name, unknown reference, circle and long chain over all documents of a tree."""
    tree = [sheet for sheet in sheets if not sheet.is_version]
    versions: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        if sheet.is_version:
            versions.setdefault(sheet.file, []).append(sheet)
    rules = _rules_of(tree)
    tested = rules | {name: place for found in versions.values() for name, place in _rules_of(found).items()}
    _first_of_each("rule pack", ((sheet, ("name",), _name(sheet)) for sheet in tree if sheet.kind == "RulePack"))
    channels = [sheet for sheet in tree if sheet.kind == "Channel"]
    _first_of_each("channel", ((sheet, ("name",), _name(sheet)) for sheet in channels))
    specs = _outlines(channels)
    apis = {name for sheet in sheets if sheet.kind == "Api" for name in _api_names(sheet.data)}
    links: dict[str, list[_Link]] = {}
    for sheet in sheets:
        for site in sheet.sites:
            if site.format == "channel" and isinstance(site.value, str):
                _check_channel(sheet, site, specs)
            elif site.format == "rule" and isinstance(site.value, str):
                if sheet.is_version or sheet.kind == "RuleTest":
                    _check_rule(sheet, site, tested, {})
                else:
                    _check_rule(sheet, site, rules, links)
            elif site.format == "reload" and isinstance(site.value, str):
                _check_reload(sheet, site, versions)
            elif site.format == "api" and isinstance(site.value, str) and site.value not in apis:
                help = _remedy("API", site.value, apis)
                sheet.findings.add("CEP208", site.path, f"there is no API {site.value!r}", help)
            elif site.format == "store-target" and site.path in sheet.meant:
                _check_target(sheet, site, {str(_name(one)) for one in tree if one.kind == "Datasource"})
    _check_chains(links)


def _rules_of(sheets: Iterable[Sheet]) -> dict[str, tuple[Sheet, Path]]:
    return _first_of_each(
        "rule", ((sheet, (*path, "id"), rule.get("id")) for sheet in sheets for path, rule in sheet.rules())
    )


def _remedy(word: str, name: str, known: Collection[str]) -> str:
    """The nearest name; a short list of all; or where to add one."""
    if not known or (len(known) > 10 and not difflib.get_close_matches(name, known, 1)):
        return f"add the {word} to the tree, or mend the name"
    return did_you_mean(name, known)


def _name(sheet: Sheet) -> Json:
    return sheet.data.get("name") if isinstance(sheet.data, dict) else None


def _first_of_each(word: str, named: Iterable[tuple[Sheet, Path, Json]]) -> dict[str, tuple[Sheet, Path]]:
    """Who has each name first; whoever takes it again gets a finding that names the first."""
    first: dict[str, tuple[Sheet, Path]] = {}
    for sheet, path, name in named:
        if not isinstance(name, str):
            continue
        if name in first:
            sheet.findings.spoil(path)
            other, there = first[name]
            where = f"{other.file}:{other.findings.line(there)}"
            sheet.findings.add(
                "CEP201", path, f"the {word} {name!r} is already in {where}", "give one of them another name"
            )
        else:
            first[name] = (sheet, path)
    return first


def _outlines(channels: Iterable[Sheet]) -> dict[str, ChannelSpec]:
    """Channels as references see them, whatever else is wrong with them."""
    specs: dict[str, ChannelSpec] = {}
    for sheet in channels:
        name, kind = _name(sheet), sheet.data.get("type")
        if isinstance(name, str):
            of_type = kind if isinstance(kind, str) else ""
            default = sheet.data.get("default") is True
            specs.setdefault(name, ChannelSpec(name=name, type=of_type, options={}, default=default))
    return specs


def _api_names(document: dict[str, Json]) -> list[str]:
    if is_dialect(document) == "api":
        return api_names(document)
    return [document[name] for name in ("name", "id") if isinstance(document.get(name), str)]


def _check_channel(sheet: Sheet, site: Site, specs: dict[str, ChannelSpec]) -> None:
    found = find_channel(specs, site.value)
    if found is not None:
        if found.name in _own_channels(sheet, site, specs):
            help = "name another channel, or leave it out"
            sheet.findings.add("CEP204", site.path, f"{site.value!r} falls back to itself", help)
        return
    of_type = [name for name, spec in specs.items() if spec.type == site.value.lower()]
    if of_type:
        message = f"{site.value!r} can mean {', '.join(of_type)}"
        sheet.findings.add("CEP203", site.path, message, "name one of them, or mark one with default: true")
        return
    help = _remedy("channel", site.value, specs)
    sheet.findings.add("CEP202", site.path, f"there is no channel {site.value!r}", help)


def _own_channels(sheet: Sheet, site: Site, specs: dict[str, ChannelSpec]) -> set[str]:
    """The channels that a fallback stands in for: what it must not name."""
    if site.path == ("fallback",):
        name = _name(sheet)
        return {name} if isinstance(name, str) else set()
    if site.path[-1:] != ("fallback_channel",):
        return set()
    named = value_at(sheet.data, (*site.path[:-1], "channels"))
    found = (find_channel(specs, name) for name in (named if isinstance(named, list) else ()) if isinstance(name, str))
    return {spec.name for spec in found if spec is not None}


_Link = tuple[Sheet, Site]


def _check_rule(sheet: Sheet, site: Site, rules: dict[str, tuple[Sheet, Path]], links: dict[str, list[_Link]]) -> None:
    if site.value not in rules:
        sheet.findings.add("CEP205", site.path, f"there is no rule {site.value!r}", _remedy("rule", site.value, rules))
        return
    source = value_at(sheet.data, (*site.path[:2], "id"))
    if isinstance(source, str):
        links.setdefault(source, []).append((sheet, site))


def _check_target(sheet: Sheet, site: Site, datasources: set[str]) -> None:
    target = sheet.meant[site.path]
    if isinstance(target, TableTarget) and target.datasource not in datasources:
        help = f"write file:{target.table.rpartition('.')[2]}.ndjson to keep it in the data directory"
        if datasources:
            help = _remedy("datasource", target.datasource, datasources)
        sheet.findings.add("CEP210", site.path, f"there is no datasource {target.datasource!r}", help)


def _check_reload(sheet: Sheet, site: Site, versions: Collection[str]) -> None:
    if sheet.findings.clean(site.path) and beside(sheet.file, site.value) not in versions:
        help = "it holds rule packs and stands in the tree; its path begins at the file of the test"
        sheet.findings.add("CEP209", site.path, f"there is no file {site.value!r} with rules", help)


def _check_chains(links: dict[str, list[_Link]]) -> None:
    """Walks from each rule once, without recursion: a circle is found at the link that closes it."""
    targets = {site.value for below in links.values() for _, site in below}
    lengths: dict[str, int] = {}
    for start in sorted(links, key=lambda rule: rule in targets):
        _walk(start, links, lengths)
    for start, below in links.items():
        if start not in targets and lengths[start] >= LONG_CHAIN:
            sheet, site = below[0]
            message = f"the rule {start} starts a chain of {lengths[start]} links"
            sheet.findings.add("CEP207", site.path, message, "a chain ends after five; let one rule do more")


def _walk(start: str, links: dict[str, list[_Link]], lengths: dict[str, int]) -> None:
    """Sets the length of the longest chain from `start` and from all that it leads to."""
    trail: dict[str, list[_Link]] = {start: list(links.get(start, ()))}
    lengths.setdefault(start, 0)
    while trail:
        rule = next(reversed(trail))
        if not trail[rule]:
            del trail[rule]
            if trail:
                above = next(reversed(trail))
                lengths[above] = max(lengths[above], lengths[rule] + 1)
            continue
        sheet, site = trail[rule].pop(0)
        if site.value in trail:
            names = list(trail)
            circle = " -> ".join([*names[names.index(site.value) :], site.value])
            message = f"rules trigger one another in a circle: {circle}"
            sheet.findings.add("CEP206", site.path, message, "take one link out")
        elif site.value in lengths:
            lengths[rule] = max(lengths[rule], lengths[site.value] + 1)
        else:
            lengths[site.value] = 0
            trail[site.value] = list(links.get(site.value, ()))
