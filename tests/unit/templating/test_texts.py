import pytest

from cepd.model.duration import HOUR
from cepd.model.errors import TemplateError
from cepd.model.rule import ActionSpec, Suppress
from cepd.templating.environment import compile_text
from cepd.templating.names import names_of
from cepd.templating.texts import default_text, error_text, message_text, summary_of
from tests.support.firings import a_definition, a_firing, an_alert


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "CPU high fired for host=web-1"),
        ({"key": {}}, "CPU high fired"),
        ({"key": {"a": 1, "b": None}}, "CPU high fired for a=1, b=null"),
        ({"kind": "resolved", "reason": "cleared"}, "[resolved] CPU high for host=web-1"),
        ({"kind": "resolved", "reason": "no_data"}, "[resolved] CPU high for host=web-1: no more data"),
        (
            {"kind": "summary", "reason": "suppress", "count": 13, "values": {"count": 13, "folded": 12}},
            "[summary] 12 more within 1h: CPU high for host=web-1, 13 in all, open",
        ),
        (
            {"kind": "summary", "reason": "storm", "key": {}, "count": 340},
            "[summary] CPU high: 340 alerts in the storm",
        ),
        (
            {"kind": "storm", "key": {}},
            "[storm] CPU high fired more than 100 times in a minute: the rest is counted here",
        ),
    ],
)
def test_every_kind_has_a_plain_text(changes: dict[str, object], expected: str) -> None:
    assert default_text(a_firing(**changes), a_definition(suppress=Suppress(window=HOUR))) == expected


def said(text: str | None, **firing: object) -> str:
    template = None if text is None else compile_text(text)
    names = names_of(a_firing(**firing), an_alert(), a_definition())
    return message_text(template, a_firing(**firing), a_definition(), names)


def test_a_failing_text_still_says_what_fired_and_what_failed() -> None:
    text = said("{{ cpu }} on {{ zone }}")
    assert text == "CPU high fired for host=web-1 (its own text failed: 'zone' is undefined)"
    error = TemplateError("no", pointer="/body/a")
    assert error_text(error, a_firing(), a_definition()).endswith("(its own text failed at /body/a: no)")


def test_templates_are_for_events_and_built_in_texts_for_the_rest() -> None:
    assert said("{{ cpu }} on {{ host }}") == "97.5 on web-1"
    assert said(None) == "CPU high on web-1"
    for kind in ("storm", "summary", "resolved"):
        assert said("{{ cpu }}", kind=kind).startswith(f"[{kind}]")


NOTIFY = ActionSpec("notify", {"channels": ["ops"], "message": "CPU {{ cpu }}\non {{ host }}: {{ summary }}"})


def test_the_summary_of_an_alert() -> None:
    blank = an_alert(summary="")
    given = an_alert(summary="", payload={"summary": " said\nthe event "})
    assert summary_of(a_firing(), given, a_definition(NOTIFY)) == "said the event"
    assert summary_of(a_firing(), blank, a_definition(NOTIFY)) == ("CPU 97.5 on web-1: CPU high fired for host=web-1")
    assert summary_of(a_firing(), blank, a_definition()) == "CPU high fired for host=web-1"
    assert summary_of(a_firing(kind="storm", key={}), given, a_definition(NOTIFY)).startswith("[storm] CPU high")
    for odd in ({"summary": 5}, {"summary": "  "}, None, "raw"):
        assert summary_of(a_firing(), an_alert(payload=odd), a_definition()) == "CPU high fired for host=web-1"


def test_a_summary_is_one_short_line() -> None:
    long = summary_of(a_firing(), an_alert(payload={"summary": "é" * 9_000}), a_definition())
    assert len(long) == 500
    assert long.endswith("é…")
