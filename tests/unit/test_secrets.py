import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from cepd.model.errors import RefusedError
from cepd.model.secret import SecretRef, read_reference
from cepd.secrets import ProcessSecrets

VALUE = 'p@ss wörd/"1"'


def test_the_environment_is_read_at_each_use(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ProcessSecrets()
    monkeypatch.setenv("HOOK", "first-value")
    assert secrets.read(SecretRef(env="HOOK")) == "first-value"
    monkeypatch.setenv("HOOK", "second-value")
    assert secrets.read(SecretRef(env="HOOK")) == "second-value"
    assert secrets.redact("first-value second-value third") == "*** *** third"


def test_a_file_loses_only_its_newline(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"  spaced value \r\n")
    assert ProcessSecrets().read(SecretRef(file=str(path))) == "  spaced value "


@pytest.mark.parametrize("content", [b"", b"\n", b"abc\n", b"\xff\xfe secret", b"x" * 70_000])
def test_a_file_that_is_no_secret_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(RefusedError) as raised:
        ProcessSecrets().read(SecretRef(file=str(path)))
    assert f"file:{path}" in raised.value.message
    assert "abc" not in str(raised.value) + raised.value.help
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("reference", [SecretRef(env="CEPD_TEST_NOT_SET"), SecretRef(file="/nonexistent/key")])
def test_what_is_missing_is_named(reference: SecretRef) -> None:
    with pytest.raises(RefusedError, match=str(reference)):
        ProcessSecrets().read(reference)


def test_a_directory_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cannot be read"):
        ProcessSecrets().read(SecretRef(file=str(tmp_path)))


@pytest.mark.parametrize(
    "spelling",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode().rstrip("="),
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
    ],
)
def test_every_spelling_is_taken_out(monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
    monkeypatch.setenv("HOOK", VALUE)
    secrets = ProcessSecrets()
    assert secrets.redact(spelling) == spelling
    secrets.read(SecretRef(env="HOOK"))
    assert secrets.redact(f"at ?key={spelling}&x=1") == "at ?key=***&x=1"


def test_a_secret_inside_another_does_not_uncover_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT", "abcd")
    monkeypatch.setenv("LONG", "xx-abcd-yy")
    secrets = ProcessSecrets()
    secrets.read(SecretRef(env="SHORT"))
    secrets.read(SecretRef(env="LONG"))
    assert secrets.redact("xx-abcd-yy abcd") == "*** ***"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"env": "A"}, SecretRef(env="A")),
        ({"file": "/run/a"}, SecretRef(file="/run/a")),
        ({"env": "A", "file": "b"}, None),
        ({"env": 1}, None),
        ({"value": "x"}, None),
        ({}, None),
        ("env:A", None),
        (None, None),
    ],
)
def test_a_reference_is_exactly_one_of_two(value: object, expected: SecretRef | None) -> None:
    assert read_reference(value) == expected
