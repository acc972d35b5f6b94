"""`cepd simulate`: what the rules of a tree would do, with one payload or over recorded events."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import msgspec
import typer

from cepd.cli.console import counted, note, say, say_json
from cepd.cli.exits import NOTHING
from cepd.cli.rules import rules_below
from cepd.cli.times import instant_option
from cepd.model.errors import StartError
from cepd.model.generation import Definition, Generation
from cepd.model.settings import Settings

if TYPE_CHECKING:
    from cepd.model.firing import Firing
    from cepd.runtime.simulate import Simulation


class Format(StrEnum):
    text = "text"
    json = "json"


def simulate(
    path: Annotated[Path, typer.Argument(help="Folder or file with the rules.")] = Path("."),
    rule: Annotated[str | None, typer.Option(help="Run this rule alone, disabled or not.")] = None,
    payload: Annotated[str | None, typer.Option(help="One event as JSON for --rule; - reads standard input.")] = None,
    events: Annotated[Path | None, typer.Option(help="Recorded events: NDJSON, .gz, or - for standard input.")] = None,
    format: Annotated[Format, typer.Option(help="How to print the report.")] = Format.text,
    firings: Annotated[Path | None, typer.Option(help="Write each firing to this file, a line of JSON each.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show of each firing what decided, with values.")] = False,
    explain_event: Annotated[
        str | None, typer.Option(help="Show of each rule why the event with this id made it fire or not.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="Clock of events before the first that has a time.")] = None,
    until: Annotated[str | None, typer.Option(help="Let time go on to here after the last event.")] = None,
    no_flush: Annotated[bool, typer.Option("--no-flush", help="Leave windows open at the end of the file.")] = False,
    as_recorded: Annotated[
        bool, typer.Option("--as-recorded", help="Run the rules that the recording of a daemon holds, with its swaps.")
    ] = False,
) -> None:
    """Run the rules without acting: over one payload, or over a recording with a virtual clock.

    A recording made by cepd record is replayed row by row, as the daemon's engine saw it: with the same rules it fires
    exactly what the daemon fired.

    Only the rules that run need to compile; what else is wrong with the tree is told on stderr.

    \b
    Examples:
      cepd simulate --rule critical_error --payload '{"severity": "critical", "service": "cart"}'
      cepd simulate --events day.ndjson.gz --firings firings.ndjson
      zcat day.ndjson.gz | cepd simulate packs/ --events - --format json
    """
    if (payload is None) == (events is None):
        raise StartError("simulate needs one payload or one recording", help="give either --payload or --events")
    if as_recorded and (rule is not None or payload is not None):
        raise StartError("--as-recorded runs all rules that a recording holds", help="leave out --rule and --payload")
    generation = _nothing() if as_recorded else rules_below(path, rule)
    if payload is not None:
        if firings is not None or start is not None or until is not None or no_flush:
            raise StartError("--firings, --start, --until and --no-flush go with --events", help="leave them out")
        _payload(generation, rule, payload, explain)
        return
    assert events is not None
    if firings is not None and firings.exists() and events.exists() and firings.samefile(events):
        raise StartError(f"--firings would overwrite the recording {events}", help="name another file")
    from cepd.runtime.simulate import Simulation

    simulation = Simulation(
        generation.definitions,
        lateness=generation.settings.lateness,
        start=instant_option("--start", start),
        until=instant_option("--until", until),
        flush=not no_flush,
        rule_id=rule,
        about=explain_event,
    )
    for rule_id, reason in simulation.idle.items():
        note(f"not run: {rule_id}: {reason}")
    if rule in simulation.idle:
        raise typer.Exit(NOTHING)
    _replay(simulation, generation, events, firings, explain, as_recorded)
    _explain_event(simulation, explain_event)
    _report(simulation, format)


def _nothing() -> Generation:
    return Generation(digest="", settings=Settings(), definitions=(), channels={}, files=())


def _payload(generation: Generation, rule: str | None, text: str, explain: bool) -> None:
    from cepd.engine.why import render_why
    from cepd.runtime.simulate import simulate_payload, why_payload

    if rule is None:
        raise StartError("--payload needs the rule it is for", help="add --rule ID")
    definition = generation.definition(rule)
    assert definition is not None
    payload = _object(sys.stdin.read() if text == "-" else text)
    say_json(simulate_payload(definition, payload))
    if explain:
        for line in render_why(why_payload(definition, payload)):
            note(line)


def _object(text: str) -> dict[str, Any]:
    """The payload as an event's line would be read: numbers out of range count as missing."""
    from cepd.engine.decode import DecodeCounts, decode_fields
    from cepd.intake.limits import DEFAULT_LIMITS
    from cepd.intake.lines import mended, reason_against

    data = mended(text.encode("utf-8", "surrogateescape"))
    reason = reason_against(data, DEFAULT_LIMITS)
    if reason is not None:
        raise StartError(f"--payload is no event: {reason}", help="write a JSON object, such as '{\"cpu\": 92}'")
    return decode_fields(data, DecodeCounts())


def _replay(
    simulation: "Simulation",
    generation: Generation,
    events: Path,
    firings: Path | None,
    explain: bool,
    as_recorded: bool,
) -> None:
    from cepd.cli.recordings import open_recording
    from cepd.cli.replay import Replay
    from cepd.runtime.recording import MARK

    definitions = {definition.rule.id: definition for definition in generation.definitions}
    replay = Replay(simulation, definitions, as_recorded=as_recorded)
    with ExitStack() as stack:
        lines: Iterator[bytes] = stack.enter_context(open_recording(events))
        out = stack.enter_context(_create(firings)) if firings is not None else None
        first = next(lines, b"")
        recorded = first.startswith(MARK)
        if as_recorded and not recorded:
            raise StartError(f"{events} is no recording of a daemon", help="make one with cepd record")
        for firing in replay.run(first, lines) if recorded else simulation.run(chain([first], lines)):
            if out is not None:
                out.write(_line(firing))
            if explain:
                _explain(firing, replay.definitions.get(firing.rule_id))


def _create(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise StartError(f"cannot write {path}: {error.strerror}") from None


def _line(firing: "Firing") -> str:
    from cepd.runtime.simulate import firing_line

    return msgspec.json.encode(firing_line(firing)).decode() + "\n"


def _explain(firing: "Firing", definition: Definition | None) -> None:
    from cepd.engine.why import render_why, why_fired

    if definition is not None:
        for line in render_why(why_fired(definition.rule, firing)):
            note(line)


def _explain_event(simulation: "Simulation", event_id: str | None) -> None:
    from cepd.engine.why import render_why

    if event_id is not None and not simulation.whys:
        raise StartError(f"the recording has no event with the id {event_id!r}", help="ids are compared as text")
    for why in simulation.whys:
        for line in render_why(why):
            note(line)


def _report(simulation: "Simulation", format: Format) -> None:
    report = simulation.report()
    if format is Format.json:
        say_json(report)
        return
    period = report["period"]
    say(
        f"{counted(report['events'], 'event')}, {report['rejected']:,} rejected, {counted(report['firings'], 'firing')}"
    )
    if period["from"] is not None:
        say(f"from {period['from']} to {period['to']}")
    for rejection in report["rejections"]:
        say(f"  line {rejection['line']}: {rejection['reason']}")
    width = max(map(len, report["rules"]), default=0)
    for rule_id, counts in report["rules"].items():
        fired, alerts = counted(counts["firings"], "firing"), counted(counts["alerts"], "alert")
        say(f"  {rule_id:<{width}}  {fired:>16}  {alerts:>16}")
    say(f"{report['cpu_seconds']:.2f} s of CPU")
