"""What expressions mean as trees, their way back to text, and every kind of text that is refused."""

import unicodedata

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.expressions import MAX_LENGTH, format_expression, parse_expression
from cepd.model.condition import All, AnyOf, Arithmetic, Call, Field, Literally, Not, Test
from cepd.model.errors import ExpressionError
from tests.support.conditions import trees

CPU, ENV = Field("cpu"), Field("env")
LOUD = Test(">", CPU, Literally(80))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("cpu > 80", LOUD),
        ("  cpu > 80  ", LOUD),
        ("\n  cpu\n> 80\r\n", LOUD),
        ("((cpu) > 80)", LOUD),
        ("host.cpu . load > 80", Test(">", Field("host.cpu.load"), Literally(80))),
        ('cpu > 80 and env != "test"', All((LOUD, Test("!=", ENV, Literally("test"))))),
        ("cpu > 80 or cpu > 80 and cpu > 80", AnyOf((LOUD, All((LOUD, LOUD))))),
        ("not cpu > 80", Not(LOUD)),
        ("1 < cpu <= 5", All((Test("<", Literally(1), CPU), Test("<=", CPU, Literally(5))))),
        ("cpu == -5", Test("==", CPU, Literally(-5))),
        ("cpu == 0x1F", Test("==", CPU, Literally(31))),
        ("cpu == 1_000.5e3", Test("==", CPU, Literally(1000500.0))),
        ("cpu == True and cpu == None", All((Test("==", CPU, Literally(True)), Test("==", CPU, Literally(None))))),
        ("cpu == true or cpu == null", AnyOf((Test("==", CPU, Literally(True)), Test("==", CPU, Literally(None))))),
        ('env in ["a", -1, null]', Test("in", ENV, Literally(["a", -1, None]))),
        ('"a" not in tags', Test("not_in", Literally("a"), Field("tags"))),
        (
            "cpu * 2 - 1 > 80",
            Test(">", Arithmetic("-", Arithmetic("*", CPU, Literally(2)), Literally(1)), Literally(80)),
        ),
        ("-cpu < 0", Test("<", Arithmetic("-", Literally(0), CPU), Literally(0))),
        ('lower(env) == "a"', Test("==", Call("lower", ENV), Literally("a"))),
        ("length(env) > 80", Test(">", Call("length", ENV), Literally(80))),
        ("exists(a.b)", Test("exists", Field("a.b"))),
        ('contains(env, "a", ignore_case=true)', Test("contains", ENV, Literally("a"), ignore_case=True)),
        ('matches(env, r"\\d+")', Test("matches", ENV, Literally("\\d+"))),
        ('env == "\\u00e4\\n\\""', Test("==", ENV, Literally('ä\n"'))),
        ("env == 'it'", Test("==", ENV, Literally("it"))),
        ('data["cpu-percent"] > 80', Test(">", Field("data.cpu-percent"), Literally(80))),
        ('field("class.5xx")["in"].x > 80', Test(">", Field("class.5xx.in.x"), Literally(80))),
        ("contains > 80", Test(">", Field("contains"), Literally(80))),
        ("(" * 150 + "cpu > 80" + ")" * 150, LOUD),
        ("nan > 80", Test(">", Field("nan"), Literally(80))),
        ("𝐍one > 80", Test(">", Field("𝐍one"), Literally(80))),
        ("a.ﬁ > 80", Test(">", Field("a.ﬁ"), Literally(80))),
        ("온도 . 습도 > 80", Test(">", Field("온도.습도"), Literally(80))),
    ],
)
def test_reads(text, tree):
    found = parse_expression(text)
    assert msgspec.json.encode(found) == msgspec.json.encode(tree)


@pytest.mark.parametrize(
    ("text", "blamed", "remedy"),
    [
        ("", "", "cpu > 80"),
        (" \n ", " \n ", "cpu > 80"),
        ("cpu >", "", "cpu > 80"),
        ("cpu > 80 and", "", "cpu > 80"),
        ("cpu 80", "80", "cpu > 80"),
        ("ä.ö > 5 && x", "&&", "write and"),
        ("cpu > 5 || x", "||", "write or"),
        ("!cpu", "!", "write not"),
        ("온도 = 1", "=", "write =="),
        ('contains(a, "x", ignore_case=true) and b = 1', "=", "write =="),
        ("cpu === 1", "===", "write =="),
        ("cpu <> 1", "<>", "write !="),
        ("cpu => 1", "=>", "write >="),
        ("cpu ≥ 1", "≥", "write >="),
        ("env == “a”", "“", "plain quotes"),
        ("cpu > 5 AND cpu < 7", "AND", "write and"),
        ("cpu between 1 and 5", "between", "1 <= x <= 5"),
        ("cpu\u00a0> 5", "\u00a0", "cpu > 80"),
        ("a\0 > 1", "\0", "cpu > 80"),
        ('x == "\ud800"', "\ud800", "the character itself"),
        ("x == 1 # y\nand z == 2", "#", "YAML comment"),
        ("x == 1 \\\nand z == 2", "\\", "without a backslash"),
        ("x == 2 ** 9", "**", "multiply"),
        ("x == 7 // 2", "//", "write /"),
        ("(y := 5) > 1", ":=", "write =="),
        ("lambda: x > 1", ":", "cpu > 80"),
        ("x > 1 if y else z", "x > 1 if y else z", "cpu > 80"),
        ("[y for y in z]", "[y for y in z]", "cpu > 80"),
        ("x == {1}", "{", "[ ]"),
        ("x == (1, 2)", "(1, 2)", '["a", "b"]'),
        ("*x > 1", "*", "cpu > 80"),
        ("x is None", "x is None", "write =="),
        ("await x > 1", "await x", "cpu > 80"),
        ('x == f"{y}"', 'f"{y}"', 'write "text"'),
        ('x == b"y"', 'b"y"', 'write "text"'),
        ("x == 5j", "5j", 'field("5j")'),
        ("x > 5m", "5m", "durations"),
        ("x == 012", "0", "leave out the zero"),
        ("x == ...", "...", "x == a or x == b"),
        ("x > 1e999", "1e999", "finite"),
        (f"x > 1{'0' * 401}", f"1{'0' * 401}", "400 digits"),
        ("x == -1e999", "1e999", "finite"),
        ('x == "a" "b"', '"b"', "a comma or an operator"),
        ('x in ["a" "b"]', '"b"', "a comma or an operator"),
        ('x == "abc', '"abc', "end it with"),
        ('x == "a\nb"', "\n", "\\n"),
        ('matches(x, "\\d")', "\\d", 'r"..."'),
        ('matches(x, "\\bx")', "\\b", 'r"..."'),
        ("(x > 1", "(", "close every"),
        ("x > 1)", ")", "close every"),
        ("x in [1)", ")", "close every"),
        ("x", "x", "exists(x)"),
        ("true", "true", "cpu > 80"),
        ("x > 1 and y", "y", "exists(y)"),
        ("exists(x) == true", "exists(x)", "alone"),
        ("(x > 1) == (y > 1)", "x > 1", "and, or, not"),
        ('strts_with(x, "a")', 'strts_with(x, "a")', "starts_with"),
        ('x.startswith("a")', 'x.startswith("a")', "starts_with"),
        ("__import__('os').system('x') == 1", "__import__('os').system('x')", "write name(field"),
        ("eval('1') == 1", "eval('1')", "known are"),
        ("exists(x, y)", "exists(x, y)", "exists(field)"),
        ("contains(x)", "contains(x)", "contains(field, value)"),
        ('contains(x, "a", ignorecase=true)', "ignorecase=true", "ignore_case"),
        ('contains(x, "a", ignore_case=1)', "1", "ignore_case=true"),
        ('cidr(x, "10.0.0.0/8", ignore_case=true)', "ignore_case=true", "leave it out"),
        ('contains(*x, "a")', "*x", "each argument"),
        ("contains(x, **y)", "**", "multiply"),
        ("contains(x, 5, ignore_case=true)", "5", "write text"),
        ('x > "85"', '"85"', "without quotes"),
        ('x > "high"', '"high"', "not ordered"),
        ("x > true", "true", "write a number"),
        ("x < [1]", "[1]", "write a number"),
        ("lower(x) > 5", "lower(x)", "not ordered"),
        ("lower(x) == 5", "5", "one kind"),
        ("lower(5) == 5", "5", "field"),
        ("length(5) == 5", "5", "field"),
        ('x + "a" > 5', '"a"', "field"),
        ("x in []", "[]", "at least one"),
        ('x in "abc"', '"abc"', '["a", "b"]'),
        ("x in [a, b]", "a", "x == a or x == b"),
        ("x in [[1]]", "[1]", "x == a or x == b"),
        ('contains(x, "")', '""', "what to look for"),
        ('contains(x, ["a", ""])', '""', "what to look for"),
        ("contains(x, [])", "[]", "at least one"),
        ("starts_with(x, 5)", "5", "in quotes"),
        ('matches(x, "(a")', '"(a"', "RE2"),
        ('matches(x, "(?=a)")', '"(?=a)"', "RE2"),
        ("matches(x, y)", "y", "in quotes"),
        ('cidr(x, "10.0.0.5/8")', '"10.0.0.5/8"', "10.0.0.0/8"),
        ('cidr(x, "10.0.0.0/33")', '"10.0.0.0/33"', "10.0.0.0/8"),
        ("exists(5)", "5", "exists(field)"),
        ("class.x > 5", "class.x", 'field("class.x")'),
        ("data.in > 5", "in", 'field("data.in")'),
        ("a.0.b > 5", ".0.b", 'field("a.0.b")'),
        ('data["a.b"] > 5', '"a.b"', "cannot be reached"),
        ("tags[0] > 5", "0", "in or contains"),
        ("(a + b).c > 5", "a + b", "a.b"),
        ('field("a..b") > 5', 'field("a..b")', "field("),
        ("field(x) > 5", "x", "field("),
        (".".join("a" * 65) + " > 1", ".".join("a" * 65), "field("),
    ],
)
def test_refuses_with_place_and_remedy(text, blamed, remedy):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    error = caught.value
    assert text[error.offset : error.end] == blamed
    assert remedy in error.help


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1000 + "x > 1" + ")" * 1000,
        "not " * 33 + "x > 1",
        "not " * 1000 + "x > 1",
        "-" * 4000 + "x > 1",
        "+".join("1" * 1000) + " > x",
        "x" + ".y" * 2000 + " > 1",
        "x" + '["y"]' * 800 + " > 1",
        "lower(" * 40 + "x" + ")" * 40 + ' == "a"',
        " " * MAX_LENGTH + "x > 1",
        "x == " + "9" * 5000,
    ],
    ids=lambda text: text[:12],
)
def test_refuses_what_is_deep_or_long(text):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert 0 <= caught.value.offset <= len(text)
    assert caught.value.help


@settings(max_examples=300, deadline=None)
@given(trees())
def test_text_and_tree_are_inverse(condition):
    text = format_expression(condition)
    again = parse_expression(text) if len(text) <= MAX_LENGTH else condition
    assert msgspec.json.encode(again) == msgspec.json.encode(condition), text
    assert "\n" not in text


SEGMENT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="."), min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(SEGMENT, min_size=1, max_size=3).map(".".join), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_path_and_any_text_can_be_written(path, text):
    condition = Test("==", Field(path), Literally(text))
    assert parse_expression(format_expression(condition)) == condition


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab.12 \"'()[]<>=!&|+-*/%,#\\\n_notandri:{}äé"), max_size=40))
def test_any_text_is_read_or_refused_within_its_bounds(text):
    found = outcome_of(text)
    if isinstance(found, ExpressionError):
        assert 0 <= found.offset <= len(text)
        assert found.end > found.offset
        assert found.help
    else:
        assert parse_expression(format_expression(found)) == found


def outcome_of(text):
    try:
        return parse_expression(text)
    except ExpressionError as error:
        return error


def test_format_is_one_canonical_text():
    text = '( cpu>80 and env!="te\\"st" ) or not(ﬁ . x in ["a",1.0,TRUE])'.replace("TRUE", "true")
    assert format_expression(parse_expression(text)) == (
        '(cpu > 80 and env != "te\\"st") or not (field("ﬁ.x") in ["a", 1.0, true])'
    )
    assert unicodedata.normalize("NFKC", "ﬁ") == "fi"
