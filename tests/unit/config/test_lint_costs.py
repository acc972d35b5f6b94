"""Notes about conditions that no index serves: where, with what figures, and none about what costs nothing."""

from cepd.engine.matching import MANY
from cepd.model.problem import Problem
from tests.support.trees import loaded

HEAD = "kind: RulePack\nname: p\nrules:\n"
ACTION = "    actions: [{endpoint: 'https://a.example.com'}]\n"
TYPED = "{type: event, event_type: host.cpu}"


def rule(number: int, when: str, trigger: str = TYPED, more: str = "") -> str:
    return f"  - id: r{number}\n    trigger: {trigger}\n    when: {when}\n{more}{ACTION}"


def notes(*rules: str, **files: str) -> list[Problem]:
    found = loaded(p=HEAD + "".join(rules), **files).problems
    assert [problem for problem in found if problem.severity == "error"] == []
    return [problem for problem in found if problem.code == "CEP330"]


def crowd(count: int, trigger: str = TYPED, more: str = "") -> list[str]:
    return [rule(number, f"cpu != {number}", trigger, more) for number in range(count)]


def test_each_rule_of_a_crowd_is_told_at_its_condition() -> None:
    found = notes(*crowd(MANY + 1))
    assert [(problem.rule, problem.line, problem.column) for problem in found] == [
        (f"r{number}", 6 + 4 * number, 11) for number in range(MANY + 1)
    ]
    assert {problem.severity for problem in found} == {"info"}
    assert "'host.cpu' are tested with it and 50 more, about 1 µs an event" in found[0].message


def test_few_are_not_told_and_neither_are_crowds_of_different_types() -> None:
    assert notes(*crowd(MANY)) == []
    assert notes(*(text.replace("host.cpu", f"t{number % 2}") for number, text in enumerate(crowd(2 * MANY)))) == []


def test_indexed_rules_of_every_event_are_not_told_and_a_crowd_of_them_is() -> None:
    typed = [rule(number, f'host == "h{number}"') for number in range(100)]
    assert notes(*typed, *(rule(100 + number, f'host == "h{number}"', "{type: event}") for number in range(60))) == []
    found = notes(*typed, *(rule(100 + number, f"cpu != {number}", "{type: event}") for number in range(60)))
    assert len(found) == 60
    assert "all events" in found[0].message
    assert found[0].help.startswith("name the event_type")


def test_rules_with_one_unit_are_tested_once_and_told_once() -> None:
    window = "    window: {type: tumbling, size: 5m}\n    aggregate: {n: {fn: count}}\n    having: n > %d\n"
    same = [rule(number, "cpu != 1", more=window % number) for number in range(MANY + 1)]
    assert notes(*same) == []
    assert len(notes(*crowd(MANY + 1, more=window % 1))) == MANY + 1


def test_a_rule_that_does_not_run_costs_nothing() -> None:
    assert notes(*crowd(MANY), rule(MANY, "cpu != 1", more="    enabled: false\n")) == []
    assert notes(rule(1, 'matches(m, "[0-9]")', more="    enabled: false\n")) == []
    assert notes(rule(1, "a == 1"), **{"v.reload": HEAD + rule(2, 'matches(m, "[0-9]")')}) == []


def test_a_rule_of_several_types_is_told_once() -> None:
    (found,) = notes(rule(1, 'matches(m, "[0-9]")', "{type: event, event_type: [a, b, c, d, e]}"))
    assert "events of type 'a', 'b', 'c' and 2 more types: about 1.6 µs an event" in found.message


def test_settings_give_the_level() -> None:
    searched = rule(1, 'matches(m, "[0-9]")')
    assert notes(searched, cepd="lint: {CEP330: off}\n") == []
    assert [problem.severity for problem in notes(searched, cepd="lint: {CEP330: warning}\n")] == ["warning"]
    tree = loaded(p=HEAD + rule(1, "not (a == 1)"), cepd="lint: {CEP304: info}\n")
    assert [(problem.code, problem.severity) for problem in tree.problems] == [("CEP304", "info")]


def test_more_notes_than_are_shown_are_no_warning_and_push_nothing_else_out() -> None:
    found = loaded(p=HEAD + "".join(crowd(120)) + rule(120, "not (a == 1)")).problems
    assert [problem.severity for problem in found if problem.code == "CEP011"] == ["info"]
    assert [problem.rule for problem in found if problem.code == "CEP304"] == ["r120"]
