"""What counts as a secret in a file, and which addresses need leave."""

import pytest

from cepd.config.secrets import is_private
from tests.support.trees import codes, loaded

CHANNEL = "kind: Channel\nname: ops\ntype: webhook\nurl: https://alerts.example.com/in\n"


def rule(action: str) -> str:
    return f"kind: RulePack\nname: p\nrules:\n  - id: a\n    trigger: {{type: event}}\n    actions: [{action}]\n"


@pytest.mark.parametrize(
    "field",
    [
        "secret: abc",
        "secret: [{env: OLD}, abc]",
        "headers: {Authorization: Bearer abc}",
        "headers: {X-Api-Key: abc}",
        "headers: {X-Auth-Token: abc}",
    ],
)
def test_fields_of_secrets_take_references_only(field: str) -> None:
    assert codes(loaded(c=CHANNEL + field + "\n")) == ["CEP402"]


@pytest.mark.parametrize(
    "field",
    [
        "secret: {env: HOOK_SECRET}",
        "secret: [{env: OLD}, {file: /run/secrets/new}]",
        "headers: {Authorization: {env: HOOK_AUTHORIZATION}}",
        "headers: {X-Team: secret}",
        "description: the secret of the token is its password",
    ],
)
def test_references_and_words_are_no_secrets(field: str) -> None:
    assert codes(loaded(c=CHANNEL + field + "\n")) == []


def test_a_secret_in_a_document_without_effect_is_still_one() -> None:
    text = "kind: Datasource\nname: db\ndsn: postgresql://app:correct-horse@db.example.com/app\n"
    assert codes(loaded(d=text)) == ["CEP305", "CEP403"]


def test_a_template_is_no_secret() -> None:
    text = rule("{endpoint: 'https://a.example.com', body: {token: '{{ event.token }}'}}")
    assert codes(loaded(p=text)) == []


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("localhost", True), ("a.localhost", True), ("127.0.0.1", True), ("10.1.2.3", True), ("192.168.0.1", True),
        ("172.16.0.1", True), ("169.254.169.254", True), ("100.64.0.1", True), ("::1", True), ("fe80::1", True),
        ("fd00::1", True), ("::ffff:127.0.0.1", True), ("0.0.0.0", True), ("8.8.8.8", False),
        ("2606:4700::1111", False), ("alerts.example.com", False), ("hooks.internal", False),
    ],
)  # fmt: skip
def test_private_addresses(host: str, private: bool) -> None:
    assert is_private(host) is private


def test_an_action_may_go_where_egress_says() -> None:
    text = rule("{endpoint: 'http://10.1.2.3:8080/in'}, {endpoint: 'http://localhost:9/in'}")
    assert codes(loaded(p=text)) == ["CEP404", "CEP404"]
    assert codes(loaded(p=text, cepd="egress: {allow: [10.0.0.0/8, 'localhost:9']}\n")) == []
    assert codes(loaded(p=text, cepd="egress: {allow: [10.0.0.0/16, 'localhost:8']}\n")) == ["CEP404", "CEP404"]


def test_a_channel_may_where_it_says_so_itself() -> None:
    text = CHANNEL.replace("https://alerts.example.com", "http://127.0.0.1:9")
    assert codes(loaded(c=text)) == ["CEP404"]
    assert codes(loaded(c=text, cepd="egress: {allow: [127.0.0.1]}\n")) == ["CEP404"]
    assert codes(loaded(c=text + "allow_private: true\n")) == []
