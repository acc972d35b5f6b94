"""Health, readiness and metrics."""

import threading

from tests.support.web import ask, services


def test_healthy_and_ready() -> None:
    assert ask(services(), "GET", "/-/healthy").json() == {"status": "healthy"}
    assert ask(services(), "GET", "/-/ready").json() == {"status": "ready"}


def test_what_is_wrong_is_said() -> None:
    sick = services(unready=lambda: "the store is away", unhealthy=lambda: "the engine stopped")
    assert (ask(sick, "GET", "/-/ready").status_code, ask(sick, "GET", "/-/healthy").status_code) == (503, 503)
    assert ask(sick, "GET", "/-/ready").json()["detail"] == "the store is away"
    assert ask(sick, "GET", "/-/healthy").json()["detail"] == "the engine stopped"


def test_a_daemon_that_stops_is_healthy_but_not_ready() -> None:
    given = services()
    given.drain.set()
    assert ask(given, "GET", "/-/ready").status_code == 503
    assert ask(given, "GET", "/-/healthy").status_code == 200


def test_metrics_are_rendered_off_the_loop() -> None:
    threads: list[int] = []

    def render() -> bytes:
        threads.append(threading.get_ident())
        return b"cepd_up 1\n"

    answer = ask(services(render_metrics=render), "GET", "/metrics")
    assert answer.content == b"cepd_up 1\n"
    assert threads != [threading.get_ident()]
