"""Warnings about rule tests: expectations that no firing can meet. With `times: 0` they would hold whatever happens."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from cepd.config.lint_state import names_of_aggregates
from cepd.config.pointers import Path
from cepd.config.sheets import Sheet
from cepd.model.json import Json
from cepd.model.rule import Rule
from cepd.model.spelling import did_you_mean

_OF_ONE_KEY = ("fired", "resolved", "summary")


def lint_test(sheet: Sheet, rules: Iterable[Rule]) -> None:
    """Adds the warnings of one test without errors. `rules`: all of the tree, those that tests reload too."""
    by_id: dict[str, list[Rule]] = {}
    for rule in rules:
        by_id.setdefault(rule.id, []).append(rule)
    for case_at, case in enumerate(sheet.data["cases"]):
        for index, expectation in enumerate(case["expect"]):
            path = ("cases", case_at, "expect", index)
            versions = by_id.get(expectation.get("rule", sheet.data["rules"][0]), ())
            if versions and expectation.get("kind", "fired") in _OF_ONE_KEY:
                _key(expectation, versions, path, sheet)
                _values(expectation, versions, path, sheet)


def _key(expectation: Mapping[str, Json], versions: Sequence[Rule], path: Path, sheet: Sheet) -> None:
    key = expectation.get("key")
    if key is not None and not any(key.keys() == set(rule.group_by) for rule in versions):
        fields = versions[0].group_by
        message = f"no firing of {versions[0].id} has a key of {_listed(key)}"
        help = (
            f"its group_by is {_listed(fields)}: write the whole key" if fields else "it has no group_by: leave key out"
        )
        sheet.findings.add("CEP142", (*path, "key"), message, help)


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "nothing"


def _values(expectation: Mapping[str, Json], versions: Sequence[Rule], path: Path, sheet: Sheet) -> None:
    """Of windows, whose values are known by name; null says that there is none."""
    if expectation.get("kind") == "summary" or any(rule.window is None for rule in versions):
        return
    known = [name for rule in versions for name in names_of_aggregates(rule)]
    for name, value in (expectation.get("values") or {}).items():
        if name not in known and value is not None:
            message = f"no firing of {versions[0].id} has a value {name!r}"
            help = did_you_mean(name, [name for rule in versions for name in rule.aggregate])
            sheet.findings.add("CEP142", (*path, "values", name), message, help, at="key")
