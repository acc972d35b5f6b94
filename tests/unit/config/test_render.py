"""Findings as text and as GitHub's commands; and that neither shows a secret or steers a terminal."""

from pathlib import Path

import pytest

from cepd.config.load import load
from cepd.config.masking import masked
from cepd.config.render import render_github, render_text
from cepd.config.tree import Tree
from cepd.model.problem import Problem
from tests.support.trees import CATALOG

WEBHOOK = "kind: Channel\nname: ops\ntype: webhook\nurl: https://alerts.example.com/in\n"


def tree_in(root: Path, text: str) -> Tree:
    return Tree(root=root, files={"packs/a.yaml": text.encode()})


def texts(root: Path, text: str) -> list[str]:
    tree = tree_in(root, text)
    return [render_text(problem, tree, colour=False) for problem in load(tree, CATALOG).problems]


def test_shows_the_line_with_carets_and_a_line_of_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert texts(tmp_path, WEBHOOK + "time_out: 5s\n") == [
        "packs/a.yaml:5:1: error[CEP101] unknown field 'time_out' in channel ops\n"
        "    5 | time_out: 5s\n"
        "      | ^^^^^^^^\n"
        "   help: did you mean 'timeout'?  (cepd explain CEP101)"
    ]


def test_carets_stand_under_wide_characters(tmp_path: Path) -> None:
    (text,) = texts(tmp_path, WEBHOOK + "'이름 😀: 1': x\n")
    _, line, carets, _ = text.split("\n")
    assert line == "    5 | '이름 😀: 1': x"
    assert carets == "      | " + "^" * 12  # two quotes, two wide letters, a space, a wide emoji, four more


def test_a_long_line_is_cut_around_the_place(tmp_path: Path) -> None:
    (text,) = texts(tmp_path, WEBHOOK + f"headers: {{a: {'x' * 500}, b: 5}}\n")
    _, line, carets, _ = text.split("\n")
    assert len(line) < 200
    assert line[carets.index("^") :].startswith("5")


def test_a_file_as_a_whole_has_no_line(tmp_path: Path) -> None:
    lost = Problem(code="CEP010", severity="error", message="it cannot be read", help="mend it", file="b.yaml")
    text = render_text(lost, tree_in(tmp_path, ""), colour=False)
    assert text == f"{tmp_path}/b.yaml: error[CEP010] it cannot be read\n   help: mend it  (cepd explain CEP010)"


SECRETS = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "ghp_notarealtokennotarealtokennotareal",
    "https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/notarealtokennotarealtok",
    "AKIAIOSFODNN7EXAMPLE",
    "https://ops:correct-horse@alerts.example.com/in",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlc2ln",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("field", ["secret", "url", "description", "time_out", "timeout", "name"])
def test_no_finding_shows_a_secret(tmp_path: Path, secret: str, field: str) -> None:
    """Whatever else is wrong with the field or the line."""
    rest = WEBHOOK.replace("url: ", "# ").replace("name: ops\n", "" if field == "name" else "name: ops\n")
    text = rest + f"{field}: '{secret}'\nunknown: '{secret}'\n" + f"{{x: '{secret}'}}: 1\n"
    tree = tree_in(tmp_path, text)
    problems = load(tree, CATALOG).problems
    assert problems
    hidden = secret.partition("ops:")[2].partition("@")[0] or secret[8:]
    for problem in problems:
        for shown in (render_text(problem, tree, colour=True), render_github(problem, tree), repr(problem)):
            assert hidden not in shown


@pytest.mark.parametrize(
    "line", ["password: correct-horse", 'api_key: "abc def"', "  authorization : Bearer x", "token: t"]
)
def test_masks_what_a_field_of_that_name_holds(line: str) -> None:
    shown = masked(line)
    assert len(shown) == len(line)
    assert shown.partition(":")[0] == line.partition(":")[0]
    assert set(shown.partition(":")[2]) <= {" ", "*"}


def test_leaves_references_alone() -> None:
    for line in ("secret: {env: HOOK_SECRET}", "tokens_per_second: 5", "description: no secrets here"):
        assert masked(line) == line


def test_control_characters_never_reach_a_terminal(tmp_path: Path) -> None:
    (text,) = texts(tmp_path, WEBHOOK + '"a\\e[31m\u202e": 1\n')
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_colours_are_asked_for(tmp_path: Path) -> None:
    tree = tree_in(tmp_path, "kind: x\n")
    (problem,) = load(tree, CATALOG).problems
    assert "\x1b[1;31merror[CEP100]\x1b[0m" in render_text(problem, tree, colour=True)


def test_github_gets_one_escaped_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree = Tree(root=tmp_path, files={"a,b:c.yaml": (WEBHOOK + '"100 %\\n::x": 1\n').encode()})
    (problem,) = load(tree, CATALOG).problems
    line = render_github(problem, tree)
    assert line.startswith(
        "::error file=a%2Cb%3Ac.yaml,line=5,col=1,endLine=5,endColumn=13,title=CEP101::unknown field '100 %25"
    )
    assert "\n" not in line
