"""Log lines: one object a line whatever they hold, and no secret in any of them."""

import json
import logging
from typing import Any

import pytest

from cepd.telemetry.logs import JsonFormatter, TextFormatter


def record(message: str, *arguments: object, exception: bool = False, **fields: Any) -> logging.LogRecord:
    found = None
    if exception:
        try:
            raise ValueError("the key is hunter2")
        except ValueError as error:
            found = (type(error), error, error.__traceback__)
    made = logging.LogRecord("cepd", logging.ERROR, "file.py", 1, message, arguments, found)
    made.created = 1_767_225_600.25
    vars(made).update(fields)
    return made


def redact(text: str) -> str:
    return text.replace("hunter2", "***")


def test_a_json_line_holds_moment_level_event_and_fields() -> None:
    line = json.loads(JsonFormatter().format(record("swapped", rule="cpu", outcome="reset", fields=("group_by",))))
    assert line == {
        "ts": "2026-01-01T00:00:00.250Z",
        "level": "error",
        "event": "swapped",
        "rule": "cpu",
        "outcome": "reset",
        "fields": ["group_by"],
    }


@pytest.mark.parametrize("value", ["two\nlines", "한국어 🎉", '"quoted"', "\u2028"])
def test_whatever_a_field_holds_it_is_one_line(value: str) -> None:
    text = JsonFormatter().format(record("x", value=value))
    assert "\n" not in text
    assert json.loads(text)["value"] == value


def test_a_field_of_any_class_becomes_text() -> None:
    assert json.loads(JsonFormatter().format(record("x", value=ValueError("no"))))["value"] == "no"


@pytest.mark.parametrize("formatter", [JsonFormatter(redact), TextFormatter(redact)])
def test_secrets_are_taken_out_of_messages_fields_and_tracebacks(formatter: logging.Formatter) -> None:
    text = formatter.format(record("with %s", "hunter2", exception=True, url="https://hunter2@example.com"))
    assert "hunter2" not in text
    assert text.count("***") == 4, "message, field, the raising line and its error"
    assert "ValueError" in text


def test_the_text_form_reads_as_words() -> None:
    text = TextFormatter().format(record("swapped", rule="cpu", fields=["a", "b"]))
    assert text.endswith('ERROR   swapped rule=cpu fields=["a","b"]')
