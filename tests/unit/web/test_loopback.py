"""Without tokens nothing but this machine's own programs may call."""

import pytest

from cepd.web.loopback import is_loopback
from tests.support.web import ask, services


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST", "a.localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "", "localhost.example.com", "127.0.0.1.nip.io", "2130706433"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "192.168.1.5:8080", "localhost.evil.example", ""]
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(host: str) -> None:
    answer = ask(services(), "GET", "/cep/rules", headers={"Host": host})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080"])
def test_loopback_names_are_served(host: str) -> None:
    assert ask(services(), "GET", "/cep/rules", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8080", 202),
        ("http://localhost:9999", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_page_of_another_origin_changes_nothing(origin: str, status: int) -> None:
    answer = ask(services(), "POST", "/ingest", content=b"{}", headers={"Origin": origin})
    assert answer.status_code == status


def test_a_probe_may_call_health_by_any_name() -> None:
    assert ask(services(), "GET", "/-/healthy", headers={"Host": "10.1.2.3:8080"}).status_code == 200
