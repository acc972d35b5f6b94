import pytest

from cepd.model.errors import TemplateError
from cepd.templating.environment import compile_text, compile_value


def rendered(text: str, /, **names: object) -> str:
    return compile_text(text).render(names)


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("CPU {{ cpu | round(1) }} % on {{ host }}", {"cpu": 97.46, "host": "web-1"}, "CPU 97.5 % on web-1"),
        ("{% for tag in tags %}{{ loop.index }}:{{ tag }} {% endfor %}", {"tags": ["a", "b"]}, "1:a 2:b "),
        ("{% for tag in tags %}{{ tag }}{{ ',' if not loop.last }}{% endfor %}", {"tags": ["a", "b"]}, "a,b"),
        ("{{ missing | default('-') }}{{ 'no' if gone is not defined }}", {}, "-no"),
        ("{{ tags | join('+') }}", {"tags": [1, "b"]}, "1+b"),
        ("{{ name | replace('a', 'b') | upper }}", {"name": "cat"}, "CBT"),
        ("{{ event | tojson }}", {"event": {"a": "<é>"}}, '{"a":"<é>"}'),
        ("no template at all\n", {}, "no template at all\n"),
        ("{{ '{{' }} {{ text }}", {"text": "{{ secret }}"}, "{{ {{ secret }}"),
        ("{{ html }}", {"html": "<b>&"}, "<b>&"),
    ],
)
def test_a_text_renders(text: str, names: dict[str, object], expected: str) -> None:
    assert rendered(text, **names) == expected


def test_members_of_a_mapping_win_over_its_methods() -> None:
    shadowed = {"items": 1, "keys": 2, "get": 3, "count": 4}
    text = "{{ e.items }}{{ e.keys }}{{ e.get }}{{ e.count }}{{ e['items'] }}"
    assert rendered(text, e=shadowed) == "12341"
    assert rendered("{{ e.get('a', 'b') }}", e={}) == "b"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{{ host }}", "host"),
        ("{{ event.zone }}", "zone"),
        ("{{ event['zone'] }}", "zone"),
        ("{{ event.zone.name }}", "zone"),
        ("{% if flag %}x{% endif %}", "flag"),
        ("{{ nothing | tojson }}", "nothing"),
        ("{{ nothing | join(',') }}", "nothing"),
        ("{{ event.list[3] }}", "3"),
    ],
)
def test_a_missing_name_is_an_error_that_names_it(text: str, word: str) -> None:
    with pytest.raises(TemplateError, match=word) as raised:
        rendered(text, event={"list": []})
    assert "default" in raised.value.help


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ event.__class__.__mro__ }}",
        "{{ event['__class__'] }}",
        "{{ event.get.__globals__ }}",
        "{{ [event] | map(attribute='__class__') | list }}",
        "{{ event.update({'a': 1}) }}",
        "{{ event.pop('x') }}",
        "{{ tags.append(1) }}",
        "{{ '{0.__class__}'.format(event) }}",
        "{{ event.keys }}",
        "{{ range(3) | map('string') }}",
        "{{ self }}",
        "{{ 1 / 0 }}",
        "{{ 'a' + 1 }}",
        "{{ number.real }}",
    ],
)
def test_what_is_not_data_cannot_be_reached(text: str) -> None:
    with pytest.raises(TemplateError):
        rendered(text, event={"x": 1}, tags=[], number=1)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 2 ** 3 }}",
        "{{ 9 ** 999999999 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ big * ['x'] }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{{ 'x'.replace('x', 'y') }}",
        "{{ 5 | round(-999999999) }}",
        "{{ 5.5 | round(999999999, 'ceil') }}",
        "{{ long | replace('a', long) }}",
        "{{ range(1000) | join(long) }}",
        "{% for a in range(99999) %}{% endfor %}",
        "{% for a in range(5000) %}{% for b in range(5000) %}{% endfor %}{% endfor %}",
        "{% for a in range(5000) %}{{ long }}{% endfor %}",
        "{{ long }}{{ long }}",
        "{{ range(999999999) | list }}",
    ],
)
@pytest.mark.timeout(10)
def test_no_text_is_slow_or_big(text: str) -> None:
    with pytest.raises(TemplateError):
        rendered(text, big=1_000_000_000, long="a" * 40_000)


def test_the_longest_text_still_renders() -> None:
    assert rendered("{{ text }}", text="x" * 65_536) == "x" * 65_536
    with pytest.raises(TemplateError, match="65536"):
        rendered("{{ text }}.", text="x" * 65_536)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("{{ host", 0),
        ("first\nsecond {{ host | nope }}", 13),
        ("a {% if x %}", 2),
        ("x\n{% macro f() %}{% endmacro %}", 2),
        ("{% include 'x' %}", 0),
        ("{% import 'x' as y %}", 0),
        ("{% for x in y recursive %}{% endfor %}", 0),
        ("{{ x | attr('y') }}", 0),
        ("{{ x | center(9) }}", 0),
        ("{{ x | slice(9) }}", 0),
        ("{{ x is nonsense }}", 0),
    ],
)
def test_a_text_that_does_not_compile_says_where(text: str, offset: int) -> None:
    with pytest.raises(TemplateError) as raised:
        compile_text(text)
    assert raised.value.offset == offset


def test_mentions_give_undeclared_names_and_where_they_first_stand() -> None:
    text = (
        "x.host {{- rule.name | default(host) }} {# zone #}{% for t in tags %}{{ t }}{{ host }}{% endfor %}{{ zone }}"
    )
    template = compile_text(text)
    assert template.names == {"rule", "host", "tags", "zone"}
    assert template.mentions == {
        "rule": text.index("rule"),
        "host": text.index("host)"),
        "tags": text.index("tags"),
        "zone": text.rindex("zone"),
    }


def test_a_leaf_that_is_one_expression_keeps_its_kind() -> None:
    document = {
        "count": "{{ n }}",
        "text": "n={{ n }}",
        "digits": "{{ digits }}",
        "list": ["{{ tags }}", "{{ flag }}", "{{ none }}", " {{ n }}"],
        "{{ n }}": {"deep": "{{ {'a': n + 1} }}"},
        "as it is": [1, 2.5, None, True],
    }
    names = {"n": 3, "digits": "42", "tags": ["a"], "flag": True, "none": None}
    assert compile_value(document).render(names) == {
        "count": 3,
        "text": "n=3",
        "digits": "42",
        "list": [["a"], True, None, " 3"],
        "{{ n }}": {"deep": {"a": 4}},
        "as it is": [1, 2.5, None, True],
    }


@pytest.mark.parametrize(
    "leaf",
    [
        "{{ missing }}",
        "{{ [missing] }}",
        "{{ {'a': event.b} }}",
        "{{ event.get }}",
        "{{ range(3) | map('string') }}",
        "{{ {1: 2} }}",
        "{{ 1e308 * 10 }}",
        "text {{ missing }}",
        "{{ 'x' * 9 }}",
    ],
)
def test_a_value_that_is_not_json_is_an_error_with_its_pointer(leaf: str) -> None:
    value = compile_value({"a/b": [0, leaf]})
    with pytest.raises(TemplateError) as raised:
        value.render({"event": {}})
    assert raised.value.pointer == "/a~1b/1"


def test_a_document_says_where_it_does_not_compile_and_what_it_mentions() -> None:
    with pytest.raises(TemplateError) as raised:
        compile_value({"a": {"b": "x {{ y"}})
    assert (raised.value.pointer, raised.value.offset) == ("/a/b", 2)
    value = compile_value({"a": {"b": "x {{ y }}"}, "c": ["{{ z }}"], "d": "plain"})
    assert {pointer: text.mentions for pointer, text in value.texts.items()} == {"/a/b": {"y": 5}, "/c/0": {"z": 3}}
    assert value.names == {"y", "z"}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("no names", set()),
        ("{{ host }} {{ a.b['c'] | round }}", {("host",), ("a", "b", "c")}),
        ("{{ a.b }}{{ a.b.c }}", {("a", "b"), ("a", "b", "c")}),
        ("{{ a[b.q].z }}{{ c[0].d }}", {("a",), ("b", "q"), ("c",)}),
        ("{% for t in tags %}{{ t.x }}{{ loop.index }}{% endfor %}", {("tags",)}),
        ("{% set q = z.w %}{{ q.y }}", {("z", "w")}),
        ("{{ x if y.z is defined else (w.v) | default(u) }}", {("x",), ("y", "z"), ("w", "v"), ("u",)}),
        (
            "{{ e.get('a', d.e) }}{{ e.b.upper() }}{{ e.c.replace(f.g, 'x') }}",
            {("e", "a"), ("d", "e"), ("e", "b"), ("e", "c"), ("f", "g")},
        ),
        ("{% if a.b > 1 and not c %}{{ [d.e, {'k': f}] }}{% endif %}", {("a", "b"), ("c",), ("d", "e"), ("f",)}),
    ],
)
def test_the_paths_of_a_text_are_names_with_the_members_it_asks_of_them(text: str, paths: set[tuple[str, ...]]) -> None:
    assert compile_text(text).paths == paths
    assert compile_value({"a": [text, 1], "b": "{{ last }}"}).paths == paths | {("last",)}


def test_rendering_changes_nothing_it_was_given() -> None:
    names = {"tags": ["b", "a"], "event": {"x": [1]}}
    assert rendered("{{ tags | sort | join }}{% for i in event.x %}{{ i }}{% endfor %}", **names) == "ab1"
    assert names == {"tags": ["b", "a"], "event": {"x": [1]}}


def test_an_event_may_have_fields_of_any_name() -> None:
    names = ("context", "environment", "range", "loop turns", "loop", "__class__", "a-b", "l_0_x")
    fields = dict.fromkeys(names, "v")
    text = "{{ context }}{{ environment }}{{ range }}{{ __class__ }}{% for x in [1] %}{{ loop.index }}{% endfor %}"
    assert rendered(text, **fields) == "vvvv1"


def test_finds_every_text_that_does_not_compile() -> None:
    with pytest.raises(TemplateError) as caught:
        compile_value({"a": "{{ b", "b": "{{ c }}", "c": ["{% if %}", {"d/e": "{{ 1 +"}]})
    assert [fault.pointer for fault in (caught.value, *caught.value.others)] == ["/a", "/c/0", "/c/1/d~1e"]
