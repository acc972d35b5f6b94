"""From a tree to a generation: what is built, what is not, and in which order things are told."""

import pytest

from cepd.config.load import MOST_PROBLEMS, load
from cepd.config.tree import digest_of
from cepd.model.duration import DAY, MINUTE, SECOND
from cepd.model.problem import Problem
from cepd.model.retention import EVERYTHING, Retention
from cepd.model.settings import Settings
from tests.support.trees import CATALOG, codes, loaded, tree_of

RULE = """  - id: {id}
    trigger: {{type: event, event_type: host.cpu}}
    when: cpu > 85
    actions: [{{endpoint: "https://alerts.example.com"}}]
"""
UNBUILT = "    enrich: [{type: lookup, source: assets, key: host, output: asset}]\n"
CHANNEL = "kind: Channel\nname: ops\ntype: webhook\nurl: https://alerts.example.com/in\n"


def pack(name: str, *rules: str) -> str:
    return f"kind: RulePack\nname: {name}\nrules:\n" + "".join(rules)


def ids(generation) -> list[str]:
    return [definition.rule.id for definition in generation.definitions]


def test_an_empty_tree_is_an_empty_generation() -> None:
    generation = loaded()
    assert (generation.definitions, generation.channels, generation.problems, generation.files) == ((), {}, (), ())
    assert generation.digest == digest_of({})


def test_rules_come_in_order_of_path_and_place() -> None:
    generation = loaded(b=pack("b", RULE.format(id="b1")), a__c=pack("c", RULE.format(id="c2"), RULE.format(id="c1")))
    assert ids(generation) == ["c2", "c1", "b1"]
    assert [(d.pack, d.file, d.line) for d in generation.definitions] == [
        ("c", "a/c.yaml", 4),
        ("c", "a/c.yaml", 8),
        ("b", "b.yaml", 4),
    ]


def test_a_broken_rule_keeps_neither_its_neighbours_nor_its_pack_from_being_built() -> None:
    broken = RULE.format(id="b").replace("cpu > 85", "cpu >> 85")
    generation = loaded(a=pack("a", RULE.format(id="a"), broken, RULE.format(id="c")), c=CHANNEL)
    assert ids(generation) == ["a", "c"]
    assert codes(generation) == ["CEP108"]
    assert generation.problems[0].rule == "b"
    assert generation.problems[0].pack == "a"
    assert generation.problems[0].pointer == "/rules/1/when"
    assert [(file.path, file.status) for file in generation.files] == [("a.yaml", "rejected"), ("c.yaml", "active")]


def test_a_broken_file_keeps_no_other_from_being_built() -> None:
    generation = loaded(a="kind: [", b=pack("b", RULE.format(id="b")))
    assert ids(generation) == ["b"]
    assert [(problem.file, problem.code) for problem in generation.problems] == [("a.yaml", "CEP001")]


def test_a_duplicate_key_keeps_its_rule_from_being_built_and_no_other() -> None:
    doubled = RULE.format(id="a") + "    when: cpu > 95\n"
    assert ids(loaded(a=pack("a", doubled, RULE.format(id="b")))) == ["b"]


def test_a_reference_that_leads_nowhere_is_an_error_of_the_tree_and_not_of_the_rule() -> None:
    lost = RULE.format(id="a").replace('{endpoint: "https://alerts.example.com"}', "{type: notify, channels: [nobody]}")
    generation = loaded(a=pack("a", lost))
    assert codes(generation) == ["CEP202"]
    assert ids(generation) == ["a"]
    assert generation.files[0].status == "rejected"


def test_of_two_rules_with_one_id_the_first_is_built() -> None:
    generation = loaded(a=pack("a", RULE.format(id="x")), b=pack("b", RULE.format(id="x"), RULE.format(id="y")))
    assert [(d.rule.id, d.pack) for d in generation.definitions] == [("x", "a"), ("y", "b")]
    assert codes(generation) == ["CEP201"]
    assert "a.yaml:4" in generation.problems[0].message


def test_a_disabled_rule_and_one_that_cannot_run_yet_say_why() -> None:
    off = RULE.format(id="off") + "    enabled: false\n" + UNBUILT
    later = RULE.format(id="later") + UNBUILT
    stored = RULE.format(id="stored").replace("{endpoint:", "{type: store, target: file:x.ndjson}, {endpoint:")
    generation = loaded(a=pack("a", off, later, stored, RULE.format(id="runs")))
    reasons = {d.rule.id: (d.active, d.reason) for d in generation.definitions}
    assert reasons["off"] == (False, "disabled")
    assert reasons["runs"] == (True, None)
    assert not reasons["later"][0]
    assert "enrich" in str(reasons["later"][1])
    assert "store" in str(reasons["stored"][1])
    assert codes(generation) == ["CEP301", "CEP301", "CEP301"]


def test_settings_shape_everything_and_their_errors_only_themselves() -> None:
    generation = loaded(cepd="lateness: 9s\nack_sla: 15m\negress: {allow: [10.0.0.0/8]}\nmetrics_base_url: nowhere\n")
    assert generation.settings.lateness == 9 * SECOND
    assert (generation.settings.ack_sla, Settings().ack_sla) == (900 * SECOND, 3_600 * SECOND)
    assert generation.settings.egress == ("10.0.0.0/8",)
    assert generation.settings.metrics_base_url is None
    assert codes(generation) == ["CEP127"]


def test_retention_is_what_is_said_of_it_and_the_usual_for_the_rest() -> None:
    generation = loaded(cepd="retention: {alerts: 2w, max_alerts: 5000, executions_per_rule: 9}\n")
    assert codes(generation) == []
    assert generation.settings.retention == Retention(alerts=14 * DAY, max_alerts=5_000, executions_per_rule=9)
    assert loaded().settings.retention == Retention()


@pytest.mark.parametrize("said", ["{alerts: soon}", "{alerts: 0s}", "{max_alerts: 0}", "{alert: 5d}", "90d"])
def test_while_retention_cannot_be_read_nothing_is_deleted(said: str) -> None:
    generation = loaded(cepd=f"lateness: 9s\nretention: {said}\n")
    assert len(codes(generation)) == 1
    assert generation.settings.retention == EVERYTHING
    assert generation.settings.lateness == 9 * SECOND


@pytest.mark.parametrize(("level", "severity"), [("off", None), ("warning", "warning"), ("error", "error")])
def test_lint_has_the_level_that_the_settings_give_it(level: str, severity: str | None) -> None:
    text = RULE.format(id="a").replace("cpu > 85", 'not contains(env, "test")')
    found = loaded(cepd=f"lint: {{CEP304: {level}}}\n", a=pack("a", text)).problems
    assert [problem.severity for problem in found] == ([severity] if severity else [])


def test_an_error_of_another_range_has_no_level() -> None:
    generation = loaded(cepd="lint: {CEP402: off}\n", c=CHANNEL + "secret: correct-horse\n")
    assert codes(generation) == ["CEP402", "CEP105"]


def test_of_one_file_a_hundred_findings_are_shown_and_the_rest_is_counted() -> None:
    text = pack("a", RULE.format(id="a")) + "".join(f"x{number}: 1\n" for number in range(MOST_PROBLEMS + 37))
    found = loaded(a=text, b="kind: [").problems
    of_a = [problem for problem in found if problem.file == "a.yaml"]
    assert len(of_a) == MOST_PROBLEMS + 1
    assert (of_a[-1].code, of_a[-1].message) == ("CEP011", "37 more findings are not shown")
    assert found[-1].file == "b.yaml"


def test_errors_are_shown_before_warnings_where_not_all_are() -> None:
    noisy = "".join(RULE.format(id=f"r{number}") + UNBUILT for number in range(MOST_PROBLEMS))
    found = loaded(a=pack("a", noisy) + "zzz: 1\n").problems
    assert [problem.code for problem in found if problem.severity == "error"] == ["CEP101"]
    assert len(found) == MOST_PROBLEMS + 1


def test_what_the_tree_could_not_read_is_among_the_problems() -> None:
    lost = Problem(code="CEP010", severity="error", message="it cannot be read", help="mend it", file="z.yaml")
    tree = tree_of(c=CHANNEL)
    assert load(type(tree)(root=tree.root, files=tree.files, problems=(lost,)), CATALOG).problems == (lost,)


def test_loading_twice_gives_the_same() -> None:
    files = {"a": pack("a", RULE.format(id="a"), RULE.format(id="a")), "c": CHANNEL, "d": "nonsense"}
    assert loaded(**files) == loaded(**files)


def test_a_problem_is_json_with_the_names_that_tools_expect() -> None:
    import msgspec

    (problem,) = loaded(a="kind: Rulepack\n").problems
    assert msgspec.to_builtins(problem) == {
        "code": "CEP100",
        "severity": "error",
        "message": "this kind of document is not known",
        "help": "did you mean 'RulePack'?",
        "file": "a.yaml",
        "line": 1,
        "column": 7,
        "endLine": 1,
        "endColumn": 15,
        "pointer": "/kind",
        "rule": None,
        "pack": None,
    }


def test_a_channel_has_its_common_fields_read_and_its_own_as_written() -> None:
    text = CHANNEL + "timeout: 5s\nretry: {delays: [1s, 1m]}\nallow_private: true\ndefault: true\nsecret: {env: S}\n"
    spec = loaded(c=text).channels["ops"]
    assert (spec.name, spec.type, spec.default, spec.allow_private) == ("ops", "webhook", True, True)
    assert (spec.timeout, spec.terms.delays) == (5 * SECOND, (SECOND, MINUTE))
    assert spec.options == {"url": "https://alerts.example.com/in", "secret": {"env": "S"}}


def test_a_disabled_rule_that_cannot_run_yet_is_told_too() -> None:
    rule = RULE.format(id="off") + "    enabled: false\n" + UNBUILT
    generation = loaded(a=pack("a", rule))
    assert [(problem.code, problem.rule) for problem in generation.problems] == [("CEP301", "off")]
    assert [definition.reason for definition in generation.definitions] == ["disabled"]


def test_a_metric_rule_that_is_only_called_by_name_needs_nothing_to_look_for() -> None:
    rule = "  - id: m\n    trigger: {{type: metric, event_type: {}}}\n    actions: [{{endpoint: 'https://a.example.com'}}]\n"
    assert loaded(a=pack("a", rule.format("[]"))).problems == ()
    assert codes(loaded(a=pack("a", rule.format("[x]")))) == ["CEP124"]
    bare = "rule_id: x\ntrigger_type: metric\naction_spec: {endpoint: 'https://a.example.com'}\n"
    assert loaded(a=bare).problems == ()
