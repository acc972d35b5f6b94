"""Action trigger: another name of trigger_rule, under which its deliveries are kept and tried."""

import msgspec

from cepd.actions import trigger, trigger_rule
from cepd.model.rule import ActionSpec
from cepd.ports import Directory
from cepd.templating.names import names_of
from tests.support.firings import a_definition, a_firing, an_alert


def test_it_is_trigger_rule_by_another_name() -> None:
    definition = a_definition(ActionSpec("trigger", {"rule_id": "next"}))
    firing, alert = a_firing(), an_alert()
    plan = trigger.prepare(definition, 0, Directory(specs={}, connected={}))
    [draft] = plan(firing, alert, names_of(firing, alert, definition))
    assert draft.type == "trigger"
    assert msgspec.json.decode(draft.request)["rule_id"] == "next"
    assert trigger.perform is trigger_rule.perform
