from cepd.templating.names import ALWAYS, names_of
from tests.support.firings import a_definition, a_firing, an_alert

PAYLOAD = {
    "id": "e1",
    "type": "host.cpu",
    "host": "from-event",
    "count": "from-event",
    "severity": "low",
    "summary": "said the event",
    "rule": "a field named like a reserved name",
    "alert": 5,
}


def test_each_layer_covers_the_one_below() -> None:
    firing = a_firing(key={"host": "from-key"}, values={"count": 7})
    names = names_of(firing, an_alert(payload=PAYLOAD), a_definition())
    assert names["host"] == "from-key"
    assert names["count"] == 7
    assert names["rule"]["id"] == "cpu-high"
    assert names["severity"] == "critical"
    assert names["summary"] == "CPU high on web-1"


def test_what_is_covered_stays_reachable_through_event() -> None:
    names = names_of(a_firing(key={}), an_alert(payload=PAYLOAD), a_definition())
    assert names["event"]["rule"] == "a field named like a reserved name"
    assert names["event"]["severity"] == "low"
    assert names["event"]["host"] == "from-event"


def test_an_event_always_has_its_envelope() -> None:
    names = names_of(a_firing(), an_alert(payload={"time": 12}), a_definition())
    assert names["event"] == {"id": "e1", "type": "host.cpu", "source": "agent", "time": 12}
    names = names_of(a_firing(), an_alert(payload={}), a_definition())
    assert names["event"]["time"] == "2026-01-01T12:00:00Z"


def test_names_are_there_without_an_event() -> None:
    firing = a_firing(kind="resolved", event_ids=(), event_type=None, event_source=None)
    for payload in (None, "not json", [1]):
        names = names_of(firing, an_alert(payload=payload), a_definition())
        assert names.keys() >= ALWAYS
        assert names["event"] == {"id": None, "type": None, "source": None, "time": "2026-01-01T12:00:00Z"}
