"""Tokens: who may do what, and what never opens the door."""

import hashlib
from pathlib import Path

import pytest

from cepd.model.errors import InputError, StartError
from cepd.web.auth import ROLES, Role, TokenFile, read_tokens
from tests.support.web import ask, services


def sha(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def entry(name: str, token: str, *roles: str) -> str:
    return f"  - {{name: {name}, sha256: {sha(token)}, roles: [{', '.join(roles)}]}}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    text = "tokens:\n" + "".join(entry(f"only-{role}", f"secret-{role}", role) for role in sorted(ROLES))
    path = tmp_path / "tokens.yaml"
    path.write_text(text)
    return path


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


DOORS: list[tuple[str, str, Role]] = [
    ("POST", "/ingest", "ingest"),
    ("GET", "/cep/rules", "read"),
    ("GET", "/cep/rules/cpu", "read"),
    ("POST", "/cep/rules/cpu/simulate", "read"),
    ("GET", "/cep/config", "read"),
    ("GET", "/metrics", "read"),
    ("GET", "/openapi.json", "read"),
    ("GET", "/", "read"),
    ("POST", "/-/reload", "admin"),
    ("GET", "/cep/events", "read"),
    ("GET", "/cep/events/x", "read"),
    ("POST", "/cep/events/x/ack", "ack"),
]


@pytest.mark.parametrize(("method", "target", "role"), DOORS)
def test_each_door_needs_its_role_and_admin_opens_all(path: Path, method: str, target: str, role: Role) -> None:
    given = services(tokens=TokenFile(path))
    body = {"json": {"payload": {}}} if method == "POST" else {}
    missing = ask(given, method, target, **body)
    assert missing.status_code == 401
    assert missing.headers["www-authenticate"] == "Bearer"
    for other in ROLES - {role, "admin"}:
        refused = ask(given, method, target, headers=bearer(f"secret-{other}"), **body)
        assert refused.status_code == 403
        assert repr(role) in refused.json()["detail"]
    if "/cep/events" not in target:
        for good in {role, "admin"}:
            assert ask(given, method, target, headers=bearer(f"secret-{good}"), **body).status_code < 300


@pytest.mark.parametrize("target", ["/-/healthy", "/-/ready"])
def test_health_needs_no_token(path: Path, target: str) -> None:
    assert ask(services(tokens=TokenFile(path)), "GET", target).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic c2VjcmV0LXJlYWQ=", "secret-read", "Bearer secret-rea", "Bearer secret-read x"],
)
def test_what_is_not_a_known_token_is_401(path: Path, header: str) -> None:
    answer = ask(services(tokens=TokenFile(path)), "GET", "/metrics", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "secret" not in answer.text


def test_the_hash_itself_is_no_token(path: Path) -> None:
    assert (
        ask(services(tokens=TokenFile(path)), "GET", "/metrics", headers=bearer(sha("secret-read"))).status_code == 401
    )


def test_a_token_in_the_url_is_refused(path: Path) -> None:
    assert ask(services(tokens=TokenFile(path)), "GET", "/metrics?token=secret-read").status_code == 401


def test_the_scheme_is_read_in_any_case(path: Path) -> None:
    given = services(tokens=TokenFile(path))
    assert ask(given, "GET", "/metrics", headers={"Authorization": "bearer secret-read"}).status_code == 200


GOOD = "a" * 64
BAD_FILES = {
    "empty": ("", "one document"),
    "no tokens": ("tokens: []\n", "no token"),
    "unknown field": (f"tokens: [{{name: a, sha256: {GOOD}, roles: [read], role: x}}]\n", "role"),
    "unknown role": (f"tokens: [{{name: a, sha256: {GOOD}, roles: [raed]}}]\n", "raed"),
    "no role": (f"tokens: [{{name: a, sha256: {GOOD}, roles: []}}]\n", "no role"),
    "the token itself": ("tokens: [{name: a, sha256: my-secret, roles: [read]}]\n", "sha256"),
    "upper case": (f"tokens: [{{name: a, sha256: {GOOD.upper()}, roles: [read]}}]\n", "sha256"),
    "a name twice": (
        f"tokens:\n- {{name: a, sha256: {GOOD}, roles: [read]}}\n- {{name: a, sha256: {'b' * 64}, roles: [read]}}\n",
        "twice",
    ),
    "a hash twice": (
        f"tokens:\n- {{name: a, sha256: {GOOD}, roles: [read]}}\n- {{name: b, sha256: {GOOD}, roles: [read]}}\n",
        "twice",
    ),
    "a field twice": (f"tokens: [{{name: a, sha256: {GOOD}, roles: [read], roles: [admin]}}]\n", "twice"),
    "a name with a line break": (f'tokens: [{{name: "a\\nb", sha256: {GOOD}, roles: [read]}}]\n', "name"),
    "not YAML": ("tokens: [", ""),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_token_file_is_refused_without_showing_what_may_be_a_secret(name: str) -> None:
    text, words = BAD_FILES[name]
    with pytest.raises(InputError) as refused:
        read_tokens(text.encode())
    assert words in refused.value.message
    assert "my-secret" not in refused.value.message + refused.value.help


def test_the_daemon_does_not_start_on_a_bad_or_missing_file(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("tokens: []")
    for name in ("bad.yaml", "missing.yaml"):
        with pytest.raises(StartError, match=name):
            TokenFile(tmp_path / name)


def test_a_reload_takes_new_tokens_and_keeps_the_old_ones_when_the_file_is_bad(path: Path) -> None:
    tokens = TokenFile(path)
    path.write_text("tokens:\n" + entry("new", "secret-new", "read"))
    tokens.reload()
    assert tokens.error is None
    assert tokens.caller(b"secret-read") is None
    assert tokens.caller(b"secret-new") is not None
    path.write_text("tokens: [")
    tokens.reload()
    assert tokens.error is not None
    assert tokens.caller(b"secret-new") is not None
    answer = ask(services(tokens=tokens), "GET", "/cep/config", headers=bearer("secret-new"))
    assert answer.json()["tokens"] == {"count": 1, "error": tokens.error}
    path.unlink()
    tokens.reload()
    assert tokens.caller(b"secret-new") is not None
    path.write_text("tokens:\n" + entry("third", "secret-third", "read"))
    tokens.reload()
    assert tokens.error is None


def test_a_file_that_others_can_read_is_warned_about(path: Path) -> None:
    path.chmod(0o644)
    assert "chmod" in (TokenFile(path).exposure() or "")
    path.chmod(0o640)
    assert TokenFile(path).exposure() is None


def test_every_entry_is_compared_whatever_matches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared: list[str] = []
    compare = hmac.compare_digest

    def counting(left: str, right: str) -> bool:
        compared.append(left)
        return compare(left, right)

    tokens = TokenFile(path)
    monkeypatch.setattr("hmac.compare_digest", counting)
    tokens.caller(b"secret-ack")
    assert compared == [one.sha256 for one in tokens.tokens]
