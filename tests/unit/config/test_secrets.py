"""What counts as a secret in a file, and which addresses need leave."""

from ipaddress import ip_address

import pytest

from cepd.policies.egress import Allowance
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


SPECIAL = [
    "169.254.169.254", "168.63.129.16", "100.100.100.200", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1",
    "0.0.0.0", "::ffff:169.254.169.254",
]  # fmt: skip
PRIVATE = [
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1",
    "100.64.0.1", "::1", "fd00::1", "::ffff:127.0.0.1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "2606:4700::1111", "alerts.example.com", "hooks.internal"]


def written(host: str) -> str:
    return f"http://[{host}]:9/in" if ":" in host else f"http://{host}:9/in"


@pytest.mark.parametrize("host", [*PRIVATE, *SPECIAL])
def test_what_the_connection_would_refuse_is_an_error_whose_remedy_helps(host: str) -> None:
    text = rule(f"{{endpoint: '{written(host)}'}}")
    (problem,) = loaded(p=text).problems
    assert problem.code == "CEP404"
    entry = problem.help.split("'")[1]
    assert codes(loaded(p=text, cepd=f"egress: {{allow: ['{entry}']}}\n")) == []
    assert Allowance((entry,)).admits(host, 9, ip_address("127.0.0.1" if "local" in host.lower() else host))


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_and_names_need_no_leave(host: str) -> None:
    assert codes(loaded(p=rule(f"{{endpoint: '{written(host)}'}}"))) == []


@pytest.mark.parametrize("host", PRIVATE)
def test_a_channel_reaches_a_private_address_with_leave(host: str) -> None:
    text = CHANNEL.replace("https://alerts.example.com/in", written(host))
    (problem,) = loaded(c=text).problems
    assert problem.help == "write allow_private: true"
    assert codes(loaded(c=text + "allow_private: true\n")) == []


@pytest.mark.parametrize("host", SPECIAL)
def test_a_channel_reaches_no_special_address_and_is_not_told_of_a_leave_that_does_not_help(host: str) -> None:
    text = CHANNEL.replace("https://alerts.example.com/in", written(host))
    for leave in ("", "allow_private: true\n"):
        (problem,) = loaded(c=text + leave).problems
        assert problem.code == "CEP404"
        assert problem.help == "no channel reaches such an address: write the receiver's own"


def test_an_entry_with_the_port_of_the_scheme_is_leave_for_an_address_without_one() -> None:
    text = rule("{endpoint: 'https://10.1.2.3/in'}")
    assert codes(loaded(p=text, cepd="egress: {allow: ['10.1.2.3:443']}\n")) == []
    assert codes(loaded(p=text, cepd="egress: {allow: ['10.1.2.3:80']}\n")) == ["CEP404"]


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
