"""Action multi_action: steps in order, each put into words when its turn comes, none done twice."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd import plugins
from cepd.actions import multi_action
from cepd.channels.webhook import connect
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Delivery, Draft, Outcome
from cepd.model.duration import SECOND
from cepd.model.errors import TemplateError
from cepd.model.execution import Progress
from cepd.model.rule import ActionSpec
from cepd.ports import Directory, Tools
from cepd.stores.shelf import FileShelf
from cepd.templating.names import names_of
from tests.support.deliveries import a_delivery
from tests.support.firings import a_definition, a_firing, an_alert
from tests.support.receiver import Received, Receiver
from tests.support.tools import using_tools


def directory(url: str = "http://127.0.0.1:9/in", tools: Tools | None = None) -> Directory:
    specs = {
        name: ChannelSpec(name=name, type="webhook", options={"url": f"{url}/{name}"}, allow_private=True)
        for name in ("ops", "mail")
    }
    connected = {} if tools is None else {name: connect(spec, tools) for name, spec in specs.items()}
    return Directory(specs=specs, connected=connected, actions=partial(plugins.plugin, "actions"))


def drafts(*steps: dict[str, Any], options: dict[str, Any] | None = None, **firing: Any) -> list[Draft]:
    spec = ActionSpec("multi_action", {"actions": list(steps), **(options or {})})
    definition = a_definition(spec)
    fired, alert = a_firing(**firing), an_alert()
    return multi_action.prepare(definition, 0, directory())(fired, alert, names_of(fired, alert, definition))


def call(url: str, body: Any) -> dict[str, Any]:
    return {"endpoint": url, "body": body}


class Unkept:
    """Nothing of a try is kept, as where cepd is killed before."""

    async def keep(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        return


class Kept:
    """Where progress goes; asks for no runs."""

    def __init__(self) -> None:
        self.progress: list[Progress] = []

    async def keep(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        assert (delivery_id, attempt) == ("m1", 1)
        self.progress.append(msgspec.json.decode(progress, type=Progress))


def tried(url: str, draft: Draft, kept: Kept, **more: Any) -> Outcome:
    async def use(tools: Tools) -> Outcome:
        tools = msgspec.structs.replace(tools, runs=kept)
        values = {"id": "m1", "type": "multi_action", "tries": 1, "request": draft.request, "terms": draft.terms}
        delivery: Delivery = a_delivery(**(values | more))
        return await multi_action.perform(delivery, tools, directory(url, tools))

    return using_tools(use, ["127.0.0.1"])


def test_it_is_one_delivery_that_may_take_as_long_as_all_its_steps() -> None:
    [draft] = drafts(
        {"type": "notify", "channels": ["ops"]},
        {"endpoint": "https://a.example.com", "timeout": "3s"},
        options={"retry": {"delays": ["1s"]}},
    )
    assert (draft.type, draft.target, draft.action) == ("multi_action", "steps of cpu-high", 0)
    assert draft.terms.timeout == 13 * SECOND
    assert draft.terms.delays == (SECOND,)
    assert draft.order_key == 'multi_action:steps of cpu-high:cpu-high:["web-1"]'


def test_what_no_step_tells_is_not_owed() -> None:
    silent = {"endpoint": "https://a.example.com", "body": {"n": 1}}
    assert drafts(silent, kind="resolved") == []
    assert len(drafts(silent, {"type": "notify", "channels": ["ops"]}, kind="resolved")) == 1


def test_steps_that_do_not_compile_are_found_at_once() -> None:
    with pytest.raises(TemplateError):
        drafts(call("https://a.example.com", {"n": "{{ n"}))


def test_steps_run_in_order_those_of_a_list_within_it_too() -> None:
    with Receiver() as receiver:
        inner = {"type": "multi_action", "actions": [call(f"{receiver.url}/2", {"host": "{{ host }}"})]}
        message = {"type": "notify", "channels": ["ops", "mail"], "message": "CPU {{ cpu }}"}
        [draft] = drafts(call(f"{receiver.url}/1", {"n": "{{ cpu }}"}), inner, message)
        kept = Kept()
        outcome = tried(receiver.url, draft, kept)
    assert (outcome.result, outcome.detail) == ("sent", "4 steps")
    assert [one.path for one in receiver.received] == ["/in/1", "/in/2", "/in/ops", "/in/mail"]
    assert [msgspec.json.decode(one.body) for one in receiver.received[:2]] == [{"n": 97.5}, {"host": "web-1"}]
    assert msgspec.json.decode(receiver.received[2].body)["message"] == "CPU 97.5"
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 4
    assert [len(progress.steps) for progress in kept.progress] == [1, 2, 3, 4], "before the next one begins"


def test_a_line_is_kept_once_for_each_step(tmp_path: Path) -> None:
    line = {"type": "store", "target": "file:told.ndjson"}
    [draft] = drafts(line, line)

    async def use(tools: Tools) -> None:
        for tries in (1, 2):
            tools = msgspec.structs.replace(tools, runs=Unkept(), shelf=FileShelf(tmp_path))
            delivery = a_delivery(id="m1", type="multi_action", tries=tries, request=draft.request, terms=draft.terms)
            assert (await multi_action.perform(delivery, tools, directory())).result == "sent"

    using_tools(use)
    ids = [msgspec.json.decode(told)["id"] for told in (tmp_path / "told.ndjson").read_bytes().splitlines()]
    assert len(ids) == len(set(ids)) == 2


def test_a_later_step_sees_what_earlier_ones_gave() -> None:
    with Receiver() as receiver:
        [draft] = drafts(
            {"type": "trigger_rule", "rule_id": "next"},
            call(receiver.url, {"whole": "{{ references.trigger_result }}", "text": "is {{ references.output }}"}),
        )
        gave = {"trigger_result": {"status": "success", "duration_ms": 3}, "output": [1]}
        done = {"step": 0, "part": 0, "action_type": "trigger_rule", "target": "rule next", "duration_ms": 3}
        progress = msgspec.json.encode({"steps": [done], "references": gave})
        outcome = tried(receiver.url, draft, Kept(), progress=progress)
    assert outcome.references == gave
    [received] = receiver.received
    assert msgspec.json.decode(received.body) == {"whole": gave["trigger_result"], "text": "is [1]"}


def test_a_step_that_fails_ends_the_try_and_the_next_one_goes_on_there() -> None:
    def answer(received: Received, number: int) -> tuple[int, dict[str, str], bytes]:
        return (503 if number == 2 else 204), {}, b""

    with Receiver(answer) as receiver:
        [draft] = drafts(*(call(f"{receiver.url}/{number}", {}) for number in (1, 2, 3)))
        kept = Kept()
        outcome = tried(receiver.url, draft, kept)
        assert outcome.result == "retryable"
        assert outcome.detail.startswith("step 2 (webhook): ")
        [progress] = kept.progress
        again = tried(receiver.url, draft, kept, attempts=1, progress=msgspec.json.encode(progress))
    assert again.result == "sent"
    assert [one.path for one in receiver.received] == ["/in/1", "/in/2", "/in/2", "/in/3"]
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert ids[1] == ids[2]


@pytest.mark.parametrize(
    ("status", "attempts", "paths"),
    [(404, 0, ["/in/ops", "/in/mail"]), (503, 0, ["/in/ops"]), (503, 4, ["/in/ops", "/in/mail"])],
)
def test_what_stands_in_for_a_message_goes_out_once_there_is_no_further_try(
    status: int, attempts: int, paths: list[str]
) -> None:
    def answer(received: Received, number: int) -> tuple[int, dict[str, str], bytes]:
        return (status if received.path == "/in/ops" else 204), {}, b""

    with Receiver(answer) as receiver:
        [draft] = drafts({"type": "notify", "channels": ["ops"], "fallback_channel": "mail"})
        outcome = tried(receiver.url, draft, Kept(), attempts=attempts)
    assert [one.path for one in receiver.received] == paths
    assert (outcome.result == "sent") is (len(paths) == 2)


def test_a_chain_in_a_list_gives_its_result_to_the_next_step(tmp_path: Path) -> None:
    from tests.support.running import on_call, running

    heard: list[bytes] = []

    async def world(delivery: Delivery) -> Outcome:
        heard.append(delivery.request)
        return Outcome(result="sent")

    async def main() -> None:
        steps = [
            {"type": "trigger_rule", "rule_id": "next", "payload": {"n": 2}},
            {"type": "trigger_rule", "rule_id": "last", "payload": {"was": "{{ references.trigger_result.status }}"}},
        ]
        rules = [
            on_call("first", {"type": "multi_action", "actions": steps}),
            on_call("next", {"type": "notify", "channels": ["ops"]}, when="n > 1"),
            on_call("last", {"type": "notify", "channels": ["ops"], "message": "it was a {{ event.was }}"}),
        ]
        async with running(tmp_path, *rules, send=world) as found:
            execution = await found.run("first", {})
            assert execution.status == "success"
            result = execution.actions[0].references["trigger_result"]
            assert isinstance(result, dict)
            assert result["references"]["trigger"]["payload"] == {"was": "success"}, "of the last one that gave one"

    asyncio.run(main())
    assert b"it was a success" in heard[-1]
