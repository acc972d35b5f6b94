"""Reload: one at a time, nothing twice, and a failure on the way leaves what runs and is tried again."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from cepd import plugins
from cepd.config.load import load
from cepd.config.tree import Tree
from cepd.engine.program import Program
from cepd.model.errors import RetryLaterError
from cepd.model.generation import Generation
from cepd.runtime.deployment import Deployment, deploy
from cepd.runtime.generations import Generations
from cepd.runtime.reloader import Reloader
from tests.support.pipeline import Pipeline, deployment_of, pipeline

PACK = """
kind: RulePack
name: hosts
rules:
  - id: cpu
    name: {name}
    trigger: {{type: event}}
    when: n > 0
    group_by: {group_by}
    actions: [{{type: webhook, endpoint: "https://example.com/"}}]
"""
EMPTY = deployment_of()


def write(root: Path, name: str = "CPU", group_by: str = "[host]") -> None:
    root.mkdir(exist_ok=True)
    (root / "hosts.yaml").write_text(PACK.format(name=name, group_by=group_by))


def load_tree(tree: Tree) -> Generation:
    return load(tree, plugins.built())


def ready(generation: Generation, revision: str, previous: Program | None) -> Deployment:
    return deploy(generation, revision, previous, modules=plugins.plugin, tools=EMPTY.tools)


def reloader_of(running: Pipeline, root: Path, **changed: Any) -> Reloader:
    parts = {
        "load": load_tree,
        "deploy": ready,
        "generations": Generations(root.parent / "generations"),
        "machine": running.machine,
        "feed": running.feed,
        "clock": running.clock,
        "metrics": running.metrics,
    }
    made = Reloader(root, **{**parts, **changed})
    made.resume({})
    return made


def swaps(caplog: pytest.LogCaptureFixture) -> list[tuple[Any, ...]]:
    found = [vars(record) for record in caplog.records if record.message == "swapped"]
    return [(one["rule"], one["outcome"], tuple(one["fields"]), tuple(one["episodes"])) for one in found]


def test_a_swap_is_told_rule_by_rule_but_for_the_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "rules"
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            reloader = reloader_of(running, root)
            write(root)
            assert (await reloader.reload()).decision.outcome == "applied"
            assert swaps(caplog) == []
            write(root, name="Other words")
            await reloader.reload()
            assert swaps(caplog) == [("cpu", "kept", (), ())]
            write(root, name="Other words", group_by="[host, core]")
            await reloader.reload()
            assert swaps(caplog)[1:] == [("cpu", "reset", ("group_by",), ())]
            write(root, name="Other words", group_by="[host, core]\n    for: 5m")
            await reloader.reload()
            assert swaps(caplog)[2:] == [("cpu", "kept", (), ("for",))]

    asyncio.run(scenario())


def test_the_same_tree_again_writes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "rules"
    write(root)

    async def scenario() -> None:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            reloader = reloader_of(running, root)
            await asyncio.gather(*(reloader.reload() for _ in range(5)))
            assert running.journal.next_seq - 1 <= 1
            before = running.journal.next_seq
            (root / "README.md").write_text("not of the tree")
            assert (await reloader.reload()).ok
            assert running.journal.next_seq == before

    asyncio.run(scenario())


def test_a_disk_that_refuses_the_generation_leaves_what_runs_and_is_tried_again(tmp_path: Path) -> None:
    root = tmp_path / "rules"
    write(root)

    class Full(Generations):
        full = True

        def keep(self, *given: Any) -> None:
            if self.full:
                raise RetryLaterError("no space left")
            super().keep(*given)

    async def scenario() -> None:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            generations = Full(tmp_path / "generations")
            reloader = reloader_of(running, root, generations=generations)
            with pytest.raises(RetryLaterError, match="no space"):
                await reloader.reload()
            assert reloader.failure
            assert running.machine.deployment is EMPTY
            generations.full = False
            assert (await reloader.reload()).decision.outcome == "applied"
            assert reloader.failure is None
            assert list(running.machine.deployment.program.rules) == ["cpu"]

    asyncio.run(scenario())


def test_a_journal_that_refuses_the_swap_leaves_what_runs_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cepd.stores import segment

    root = tmp_path / "rules"
    write(root)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def scenario() -> None:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            reloader = reloader_of(running, root)
            with monkeypatch.context() as broken:
                broken.setattr(segment.Segment, "write", refuse)
                with pytest.raises(RetryLaterError, match="No space left"):
                    await reloader.reload()
            assert running.machine.deployment is EMPTY
            assert (await reloader.reload()).decision.outcome == "applied"
            assert list(running.machine.deployment.program.rules) == ["cpu"]

    asyncio.run(scenario())


def test_a_fault_of_ours_in_a_reload_leaves_what_runs(tmp_path: Path) -> None:
    root = tmp_path / "rules"
    write(root)

    def faulty(*_: object) -> Deployment:
        raise ZeroDivisionError("a fault")

    async def scenario() -> None:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            reloader = reloader_of(running, root, deploy=faulty)
            with pytest.raises(ZeroDivisionError):
                await reloader.reload()
            assert reloader.failure
            assert running.machine.deployment is EMPTY
            assert 'cepd_config_reloads_total{outcome="failed"} 1.0' in running.metrics.render().decode()

    asyncio.run(scenario())


def test_who_asks_does_not_wait_for_an_engine_that_is_held_up_and_the_reload_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "rules"
    write(root)

    async def scenario() -> None:
        async with pipeline(tmp_path / "data", EMPTY, running=("recorder",)) as running:
            reloader = reloader_of(running, root)
            with pytest.raises(RetryLaterError, match="goes on") as refused:
                await reloader.reload_within(0.3)
            assert refused.value.help
            applying = asyncio.create_task(running.processor.run())
            assert (await reloader.reload_within(20)).decision.outcome == "applied"
            assert list(running.machine.deployment.program.rules) == ["cpu"]
            assert running.metrics.render().decode().count('reloads_total{outcome="applied"} 1.0') == 1
            applying.cancel()

    asyncio.run(scenario())


def test_the_time_of_the_last_success_stays_through_a_bad_tree(tmp_path: Path) -> None:
    root = tmp_path / "rules"
    write(root)

    async def scenario() -> None:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            reloader = reloader_of(running, root)
            good = await reloader.reload()
            (root / "hosts.yaml").write_text("kind: [")
            bad = await reloader.reload()
            assert (good.ok, bad.ok) == (True, False)
            assert bad.good_at == good.good_at == good.at
            assert bad.at > good.at
            assert list(running.machine.deployment.program.rules) == ["cpu"]

    asyncio.run(scenario())
