"""Which values of steps are kept, and what depends on what."""

from cepd.engine.projection import Projection
from cepd.engine.steps import compile_steps, excerpt, kept_of, read_by_steps, read_excerpt
from cepd.model.rule import SequenceTrigger, Step
from tests.support.sequences import step


def trigger(*steps: str | Step, order: str = "strict") -> SequenceTrigger:
    return SequenceTrigger(10, tuple(step(one) if isinstance(one, str) else one for one in steps), order=order)


def test_only_what_conditions_and_texts_name_of_steps_is_kept() -> None:
    pattern = compile_steps(
        trigger(
            "a:A", step("not C", "a.x.y > 1"), step("b:B", "n == a.n and a > 0"), step("absent D", "b.n == other.n")
        )
    )
    kept = kept_of(pattern, ["a.x", "a.xy", "b", "host"])
    assert kept.paths == {"a": ("n", "x", "xy"), "b": ("n",)}
    assert kept.names == ("host",)
    assert kept_of(compile_steps(trigger("a:A", "B")), ["host"]).names == (), "an event is at hand"


def test_an_excerpt_holds_what_is_there() -> None:
    fields = {"a": {"b": 1, "c": 2}, "d": None, "e": 3, "f": [4]}
    assert excerpt(fields, ["a.b", "a.x", "d", "e.g", "f"]) == {"a": {"b": 1}, "d": None, "f": [4]}
    assert fields["a"] == {"b": 1, "c": 2}


def test_steps_without_an_id_are_named_by_their_place_as_written() -> None:
    pattern = compile_steps(trigger("A", "not B", "x:C", "D", "absent E"))
    assert [stage.name for stage in pattern.stages] == ["1", "x", "4"]
    assert [len(guards) for guards in pattern.guards] == [0, 1, 0, 1]
    assert pattern.waits
    assert not compile_steps(trigger("A", "B")).waits


def test_in_a_strict_order_all_later_steps_depend_on_one_and_else_what_names_it() -> None:
    steps = ("a:A", step("b:B", "n == a.n"), "C", step("D", "n == b.n"))
    assert [stage.dependents for stage in compile_steps(trigger(*steps)).stages] == [(1, 2, 3), (2, 3), (3,), ()]
    assert [stage.dependents for stage in compile_steps(trigger(*steps, order="any")).stages] == [(1, 3), (3,), (), ()]


def test_what_an_event_can_be_is_known_by_its_type() -> None:
    pattern = compile_steps(trigger("A", "not C", step("B", "n > 1"), "A", "absent any"))
    roles = pattern.roles["A"]
    assert [place for place, _ in roles.first] == [0]
    assert [[place for place, _ in wanted] for wanted in roles.wanted] == [[0], [], [2], []]
    assert [len(guards) for guards in roles.guards] == [0, 0, 0, 1]
    assert [len(guards) for guards in pattern.roles["C"].guards] == [0, 1, 0, 1]
    assert pattern.others.first == ()
    assert [len(guards) for guards in pattern.others.guards] == [0, 0, 0, 1], (
        "what may be any event may be that of no type"
    )
    assert compile_steps(trigger("A", "B")).others is None
    assert compile_steps(trigger("A", "B")).roles["B"].guards == ()


def test_in_any_order_an_event_may_serve_each_later_step_of_its_type() -> None:
    roles = compile_steps(trigger("A", "B", "any", order="any")).roles["B"]
    assert [place for place, _ in roles.first] == [1, 2]
    assert [[place for place, _ in wanted] for wanted in roles.wanted] == [[1, 2], [1, 2], [2], []]


def test_views_hold_what_conditions_and_later_steps_read() -> None:
    steps = trigger("fail:A", step("ok:B", "user == fail.user and data.n > 1"), step("not C", "x == ok.y.z"))
    read = {"user", "fail.user", "data.n", "x", "ok.y.z", "y.z", "fail.ip", "ip", "host"}
    assert read_by_steps(steps, ["fail.ip", "host"]) == read


def test_an_excerpt_of_a_view_is_that_of_its_event() -> None:
    fields = {"a": {"b": 1, "c": {"d": 2}}, "d": None, "f": [4], "g": "text"}
    paths = ["a.b", "a.c.d", "a.x", "d", "f", "g.h"]
    view = Projection(paths).of(fields)
    assert read_excerpt(paths)(view) == excerpt(fields, paths) == {"a": {"b": 1, "c": {"d": 2}}, "d": None, "f": [4]}
