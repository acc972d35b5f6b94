"""`cepd explain --rule RULE --code`: what the engine made of a rule, for curious readers."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cepd.cli.console import counted, say, say_json
from cepd.cli.rules import rules_below
from cepd.cli.trees import root_of
from cepd.model.errors import StartError

if TYPE_CHECKING:
    from cepd.engine.generated import Generated
    from cepd.engine.matching.listing import Listed


def show_code(rule: str, path: Path, *, as_json: bool) -> None:
    """Prints the code of the tree that `path` stands in. StartError where the rule is not there or does not run."""
    from cepd.engine.generated import generated_for
    from cepd.engine.program import compile_program

    generation = rules_below(root_of(path), rule)
    reasons = {definition.rule.id: definition.reason for definition in generation.definitions}
    if reasons[rule] is not None:
        raise StartError(f"the rule {rule!r} does not run: {reasons[rule]}", help="only rules that run have code")
    found = generated_for(compile_program([one.rule for one in generation.definitions if one.active]), rule)
    if as_json:
        say_json({"rule": rule, "code": list(map(_document, found))})
    else:
        for line in _text(rule, found):
            say(line)


def _document(found: "Generated") -> dict[str, Any]:
    """Line numbers count from 1."""
    functions = [
        {
            "number": listed.number,
            "source": "\n".join(listed.lines),
            "lines": [index + 1 for index in listed.own],
            "names": listed.names,
        }
        for listed in found.functions
    ]
    return {
        "event_type": found.event_type,
        "conditions": found.conditions,
        "asked_by": found.speaker,
        "functions": functions,
    }


def _text(rule: str, found: "list[Generated]") -> Iterator[str]:
    if not found:
        yield f"{rule} hears no events, so there is no code"
    for code in found:
        events = "every event" if code.event_type is None else f"events of type {code.event_type!r}"
        yield f"{rule} at {events}, one of {counted(code.conditions, 'condition')}:"
        if code.speaker != rule:
            yield f"(it shares its state with {code.speaker}, which asks for both)"
        for listed in code.functions:
            yield ""
            yield from _function(listed)
        yield ""
    if found:
        yield "> stands for the rule. v is the event as far as rules name its members, source where it came from;"
        yield "add and extend are told which conditions hold. Function 1 is called first."


def _function(listed: "Listed") -> Iterator[str]:
    yield f"function {listed.number}"
    shown = {0, *listed.own, *listed.used}
    skipped = 0
    for index, line in enumerate(listed.lines):
        if index in shown:
            if skipped:
                yield f"      ... {counted(skipped, 'line')} for other rules"
            skipped = 0
            yield f"  {'>' if index in listed.own else ' '} {line}"
        else:
            skipped += 1
    if skipped:
        yield f"      ... {counted(skipped, 'line')} for other rules"
    for name, meaning in listed.names.items():
        yield f"    {name}: {meaning}"
