"""One document on its way through the checks: what it is, what was found, what its values mean."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import Any

from cepd.config.findings import Findings
from cepd.config.pointers import Path
from cepd.config.sites import Site
from cepd.model.json import Json

SCHEMAS: Mapping[str, str] = {
    "RulePack": "rulepack",
    "Channel": "channel",
    "RuleTest": "ruletest",
    "Settings": "settings",
}
"""Kinds of documents that cepd reads, and their schemas. Settings is what the settings file holds."""

UNBUILT_KINDS = ("Api", "Datasource", "Source", "Template", "Silence", "EscalationPolicy")
"""Kinds that are known and have no effect yet."""


_VERSIONS = (".reload.yaml", ".reload.yml", ".reload.json")


def beside(file: str, name: str) -> str:
    """The path in the tree of what a file names relative to itself."""
    return normpath(join(dirname(file), name))


@dataclass(frozen=True, slots=True)
class Sheet:
    """`kind` is one of SCHEMAS or UNBUILT_KINDS; `meant` holds what values mean, by their paths."""

    kind: str
    findings: Findings
    bare: bool = False
    """Whether it is of the documents' dialect; its data is what that means."""
    sites: list[Site] = field(default_factory=list)
    meant: dict[Path, Any] = field(default_factory=dict)
    by_rule: dict[Path, list[Site]] = field(default_factory=dict)
    """The sites by the first two parts of their paths."""

    @property
    def data(self) -> Json:
        return self.findings.data

    @property
    def file(self) -> str:
        return self.findings.document.file

    @property
    def is_version(self) -> bool:
        """Whether it stands in a file that rule tests reload: another version of rules, never run by the tree."""
        return self.file.endswith(_VERSIONS)

    @property
    def guessed(self) -> bool:
        """Whether a misspelt key holds all that there is to build."""
        return not self.findings.former.keys().isdisjoint((("kind",), ("rules",)))

    def rules(self) -> Iterator[tuple[Path, dict[str, Json]]]:
        """The rules that are mappings, each with its path."""
        listed = self.data.get("rules") if self.kind == "RulePack" else None
        for index, rule in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(rule, dict):
                yield ("rules", index), rule

    def sites_in(self, rule: Path) -> list[Site]:
        """The sites of the rule at a path."""
        return self.by_rule.get(rule, [])

    def take(self, sites: Iterable[Site]) -> None:
        for site in sites:
            self.sites.append(site)
            self.by_rule.setdefault(site.path[:2], []).append(site)
