"""Test results as JUnit XML, the form that CI servers read."""

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_REFUSED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold."""


class Report(msgspec.Struct, frozen=True):
    """One case. `failure` holds the lines that say why it failed; empty where it passed."""

    file: str
    line: int
    name: str
    failure: tuple[str, ...]
    seconds: float


def write_junit(reports: Iterable[Report], path: Path) -> None:
    """One suite for each file, in the order in which the reports come. OSError where the file cannot be written."""
    from xml.etree import ElementTree

    root = ElementTree.Element("testsuites", name="cepd test")
    for file, found in groupby(reports, key=lambda report: report.file):
        cases = list(found)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_text(file),
            tests=str(len(cases)),
            failures=str(sum(bool(case.failure) for case in cases)),
            errors="0",
            time=f"{sum(case.seconds for case in cases):.3f}",
        )
        for case in cases:
            _add(suite, case)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add(suite: "Element", case: Report) -> None:
    from xml.etree import ElementTree

    element = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_text(case.file),
        name=_text(case.name),
        file=_text(case.file),
        line=str(case.line),
        time=f"{case.seconds:.3f}",
    )
    if case.failure:
        failure = ElementTree.SubElement(element, "failure", message=_text(case.failure[0]))
        failure.text = _text("\n".join(case.failure))


def _text(text: str) -> str:
    return _REFUSED.sub("\ufffd", text)
