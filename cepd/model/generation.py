"""A generation: everything loaded from the directory at one revision, checked and immutable."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from cepd.model.channel import ChannelSpec
from cepd.model.json import Json
from cepd.model.problem import Problem
from cepd.model.rule import Rule
from cepd.model.ruletest import RuleTest
from cepd.model.settings import Settings


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with where it stands and whether it runs."""

    rule: Rule
    document: Mapping[str, Json]
    """The rule as plain data: one of a pack as it is written, a bare one in canonical form."""
    pack: str
    file: str
    line: int
    active: bool = True
    reason: str | None = None
    """Why it does not run: disabled, or what of it cepd cannot run yet."""


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the tree and what became of it."""

    path: str
    """Relative to the root, with forward slashes."""
    digest: str
    status: Literal["active", "last_good", "rejected"] = "active"


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` is SHA-256 over the sorted paths and bytes of the files it was built from."""

    digest: str
    settings: Settings
    definitions: tuple[Definition, ...]
    """In rule order: by file path, then place in the file."""
    channels: Mapping[str, ChannelSpec]
    files: tuple[SourceFile, ...]
    problems: tuple[Problem, ...] = ()
    tests: tuple[RuleTest, ...] = ()
    versions: Mapping[str, tuple[Definition, ...]] = msgspec.field(default_factory=dict)
    """Rules of the files that tests reload, by path; they never run."""

    def definition(self, rule_id: str) -> Definition | None:
        return next((found for found in self.definitions if found.rule.id == rule_id), None)
