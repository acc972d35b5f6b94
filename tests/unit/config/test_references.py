"""References over a whole tree: chains, circles, channels by type."""

import pytest

from tests.support.trees import codes, loaded


def chain(*links: tuple[str, str]) -> str:
    """A pack with a rule for each link, and one without a link for each end."""
    text = "kind: RulePack\nname: p\nrules:\n"
    starts = {start for start, _ in links}
    for start in dict.fromkeys(start for start, _ in links):
        actions = ", ".join(f"{{type: trigger_rule, rule_id: {end}}}" for first, end in links if first == start)
        text += f"  - {{id: {start}, trigger: {{type: event, event_type: []}}, actions: [{actions}]}}\n"
    for end in dict.fromkeys(end for _, end in links if end not in starts):
        text += f"  - {{id: {end}, trigger: {{type: event}}, actions: [{{endpoint: 'https://a.example.com'}}]}}\n"
    return text


def found(*links: tuple[str, str]) -> list[str]:
    return [code for code in codes(loaded(p=chain(*links))) if code.startswith("CEP2")]


@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        ([("a", "b")], []),
        ([("a", "b"), ("b", "c")], []),
        ([("a", "b"), ("b", "c"), ("c", "d")], ["CEP207"]),
        ([("c", "d"), ("b", "c"), ("a", "b")], ["CEP207"]),
        ([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], []),
        ([("a", "b"), ("b", "c"), ("c", "d"), ("x", "c")], ["CEP207"]),
        ([("a", "a")], ["CEP206"]),
        ([("a", "b"), ("b", "a")], ["CEP206"]),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("c", "b")], ["CEP206", "CEP206"]),
        ([("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")], ["CEP206", "CEP206"]),
    ],
)
def test_chains_and_circles(links: list[tuple[str, str]], wanted: list[str]) -> None:
    assert found(*links) == wanted


def test_a_very_long_chain_is_walked_without_recursion() -> None:
    links = [(f"r{number}", f"r{number + 1}") for number in range(3_000)]
    generation = loaded(p=chain(*links))
    (problem,) = [problem for problem in generation.problems if problem.code == "CEP207"]
    assert "3000 links" in problem.message


def channels(*specs: tuple[str, str, bool]) -> str:
    return "---\n".join(
        f"kind: Channel\nname: {name}\ntype: {kind}\ndefault: {str(default).lower()}\n"
        + ("url: https://a.example.com\n" if kind == "webhook" else "")
        for name, kind, default in specs
    )


@pytest.mark.parametrize(
    ("reference", "specs", "wanted"),
    [
        ("one", [("one", "webhook", False)], []),
        ("WebHook", [("one", "webhook", False)], []),
        ("One", [("one", "webhook", False)], ["CEP202"]),
        ("webhook", [("one", "webhook", False), ("two", "webhook", False)], ["CEP203"]),
        ("webhook", [("one", "webhook", True), ("two", "webhook", False)], []),
        ("webhook", [("one", "webhook", True), ("two", "webhook", True)], ["CEP203"]),
        ("webhook", [("webhook", "webhook", False), ("two", "webhook", False)], []),
        ("slack", [("one", "webhook", False)], ["CEP202"]),
    ],
)
def test_channels_by_name_and_type(reference: str, specs: list[tuple[str, str, bool]], wanted: list[str]) -> None:
    action = f"{{type: notify, channels: [{reference}]}}"
    text = f"kind: RulePack\nname: p\nrules:\n  - {{id: a, trigger: {{type: event}}, actions: [{action}]}}\n"
    assert codes(loaded(p=text, c=channels(*specs))) == wanted


def test_an_api_is_known_by_id_and_name_in_both_forms() -> None:
    calls = ", ".join(f"{{type: api_script, api_id: '{name}'}}" for name in ("Double", "double-id", "triple", "none"))
    rule = f"{{id: a, enabled: false, trigger: {{type: event}}, actions: [{calls}]}}"
    text = f"kind: RulePack\nname: p\nrules:\n  - {rule}\n"
    bare = 'api_name: Double\napi_id: double-id\nlogic_type: http\nlogic_body: {url: "https://a.example.com"}\n'
    generation = loaded(p=text, a=bare, b="kind: Api\nname: triple\n")
    (problem,) = [problem for problem in generation.problems if problem.code == "CEP208"]
    assert "'none'" in problem.message
