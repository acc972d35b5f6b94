"""`cepd test`: the RuleTest documents of a tree, with a virtual clock. No network, no daemon, nothing acts."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from time import process_time
from typing import Annotated

import msgspec
import typer

from cepd.cli.console import colours, counted, note, say, say_json
from cepd.cli.exits import FINDINGS, NOTHING
from cepd.cli.junit import Report, write_junit
from cepd.cli.trees import roots_of, under
from cepd.model.errors import StartError
from cepd.model.generation import Generation
from cepd.model.ruletest import Case, RuleTest


class Format(StrEnum):
    text = "text"
    json = "json"


class Planned(msgspec.Struct, frozen=True):
    """One case to run, and the path that its file has for people."""

    shown: str
    test: RuleTest
    case: Case
    generation: Generation


def run_tests(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files; default: the current folder.", show_default=False)
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Only cases whose `file: name` holds this regular expression.", metavar="REGEX")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the results to this file as JUnit XML.")] = None,
    format: Annotated[Format, typer.Option(help="How to print the results.")] = Format.text,
) -> None:
    """Run the tests of rules: the RuleTest documents under the given paths.

    Each case feeds events to the rules that it names and compares what they fire with what it expects. Exits with 1
    where a case fails or a file has errors, with 2 where there is no case to run.

    \b
    Examples:
      cepd test
      cepd test packs/auth.test.yaml --run 'five failures'
      cepd test --junit results.xml
    """
    wanted = _pattern(run)
    planned, broken = _plan(paths or [Path(".")])
    chosen = [one for one in planned if wanted.search(f"{one.shown}: {one.case.name}")]
    reports = [_run(one) for one in _with_progress(chosen)]
    if junit is not None:
        write_junit(reports, junit)
    _tell(reports, broken, format)
    if broken or any(report.failure for report in reports):
        raise typer.Exit(FINDINGS)
    if not reports:
        note("no tests: add kind: RuleTest documents" if not planned else f"no case matches --run {run}")
        raise typer.Exit(NOTHING)


def _pattern(text: str | None) -> re.Pattern[str]:
    try:
        return re.compile(text or "")
    except re.error as error:
        raise StartError(f"--run {text!r} is no regular expression: {error}") from None


def _plan(paths: list[Path]) -> tuple[list[Planned], list[str]]:
    """Every case under the paths, and the errors of the files there, as text. Errors of other files are told on
    stderr."""
    from cepd.config.load import load
    from cepd.config.render import render_text, shown_path
    from cepd.config.tree import read_tree
    from cepd.plugins import built

    planned: list[Planned] = []
    broken: list[str] = []
    for root, prefixes in roots_of(paths).items():
        tree = read_tree(root)
        generation = load(tree, built())
        for problem in generation.problems:
            if problem.severity == "error" and under(problem.file, prefixes):
                broken.append(render_text(problem, tree, colour=colours(sys.stdout)))
            elif problem.severity == "error":
                note(render_text(problem, tree, colour=colours(sys.stderr)))
        planned += [
            Planned(shown_path(found.file, tree), found, case, generation)
            for found in generation.tests
            if under(found.file, prefixes)
            for case in found.cases
        ]
    return planned, broken


def _run(planned: Planned) -> Report:
    from cepd.runtime.ruletest import run_case
    from cepd.runtime.timeline import render_failure

    begun = process_time()
    result = run_case(planned.test, planned.case, planned.generation)
    failure = () if result.passed else tuple(render_failure(result))
    return Report(planned.shown, planned.case.line, planned.case.name, failure, process_time() - begun)


def _with_progress(planned: Sequence[Planned]) -> Iterable[Planned]:
    """The same, with a bar on a terminal."""
    if not sys.stderr.isatty():
        return planned
    from rich.console import Console
    from rich.progress import track

    return track(planned, "testing", console=Console(stderr=True), transient=True)


def _tell(reports: Sequence[Report], broken: Sequence[str], format: Format) -> None:
    failed = sum(bool(report.failure) for report in reports)
    if format is Format.json:
        say_json(
            {
                "cases": len(reports),
                "failed": failed,
                "errors": len(broken),
                "results": [_as_json(report) for report in reports],
            }
        )
        return
    for line in (*broken, *(line for report in reports for line in _lines(report))):
        say(line)
    if reports or broken:
        said = f"{counted(len(reports), 'case')}: {len(reports) - failed:,} passed, {failed:,} failed"
        say(f"{said}, {counted(len(broken), 'error')}" if broken else said)


def _as_json(report: Report) -> dict[str, object]:
    return {
        "file": report.file,
        "line": report.line,
        "name": report.name,
        "passed": not report.failure,
        "failure": list(report.failure),
    }


def _lines(report: Report) -> Iterator[str]:
    """Nothing of a case that passed."""
    if report.failure:
        word = typer.style("failed", fg="red", bold=True) if colours(sys.stdout) else "failed"
        yield f"{report.file}:{report.line}: {word}: {report.name}"
        yield from (f"  {line}" if line else "" for line in report.failure)
        yield ""
