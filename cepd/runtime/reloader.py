"""Reload: reads the tree, decides what it means, keeps the good generation and swaps to it. One at a time."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from cepd.config.tree import Tree
from cepd.engine.program import Program
from cepd.model.errors import RetryLaterError
from cepd.model.generation import Generation
from cepd.model.instant import Instant
from cepd.model.problem import Problem
from cepd.ports import Clock
from cepd.runtime.deployment import Deployment
from cepd.runtime.feed import Feed
from cepd.runtime.generations import Generations
from cepd.runtime.machine import Machine
from cepd.runtime.reading import Reading, read_settled
from cepd.runtime.reconcile import FITS, Decision, reconcile
from cepd.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

FINDINGS_LOGGED = 20

Deploy: TypeAlias = Callable[[Generation, str, Program | None], Deployment]


class Reloaded(msgspec.Struct, frozen=True):
    """How the newest reload ended."""

    reading: Reading
    decision: Decision
    at: Instant
    good_at: Instant | None
    """When the tree last ran as it stood; None: not since the start."""
    tokens_error: str | None = None
    """Why the token file as it stands is not in use; None where it is, or there is none."""

    @property
    def ok(self) -> bool:
        return self.decision.outcome in FITS and self.tokens_error is None


class Reloader:
    """`last` is None until the first reload has ended. `failure`: why the newest one did not come to a decision.

    `reload_tokens` reads the token file again and says in words why it is not in use.
    """

    def __init__(
        self,
        root: Path,
        *,
        load: Callable[[Tree], Generation],
        deploy: Deploy,
        generations: Generations,
        machine: Machine,
        feed: Feed,
        clock: Clock,
        metrics: Metrics,
        reload_tokens: Callable[[], str | None] = lambda: None,
        after_swap: Callable[[], None] = lambda: None,
    ) -> None:
        self._root = root
        self._load = load
        self._deploy = deploy
        self._generations = generations
        self._machine = machine
        self._feed = feed
        self._clock = clock
        self._metrics = metrics
        self._reload_tokens = reload_tokens
        self._after_swap = after_swap
        self._running: Mapping[str, bytes] | None = None
        self._turn = asyncio.Lock()
        self.last: Reloaded | None = None
        self.failure: str | None = None

    def resume(self, files: Mapping[str, bytes]) -> None:
        """After the recovery: these files run. Only then can a reload say what changes."""
        self._running = files

    async def reload(self) -> Reloaded:
        """Reads the tree now. RetryLaterError where it, or the disk, is not to be had: what ran goes on."""
        if self._running is None:
            raise RetryLaterError("the daemon is starting", help="try again in a moment")
        async with self._turn:
            tokens_error = self._read_tokens()
            try:
                reading = await asyncio.to_thread(read_settled, self._root)
                if self.last is None or reading.tree != self.last.reading.tree:
                    self.last = await self._reconcile(reading, self._running)
                self.last = msgspec.structs.replace(self.last, reading=reading, tokens_error=tokens_error)
            except Exception as error:
                self.failure = str(error)
                self._metrics.count("cepd_config_reloads_total", "failed")
                log.error("reload failed", extra={"reason": str(error)})
                raise
            self.failure = None
            return self.last

    async def reload_within(self, seconds: float) -> Reloaded:
        """As `reload`; RetryLaterError where it takes longer, and then it goes on: half a swap is none."""
        reloading = asyncio.ensure_future(self.reload())
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(reloading)
        except TimeoutError:
            raise RetryLaterError(
                f"the reload has not ended within {seconds:g} s, and goes on",
                help="the engine waits for the store or the disk: see the log; GET /cep/config tells how it ended",
            ) from None

    def _read_tokens(self) -> str | None:
        """Counted at each reload, told when it is new."""
        error = self._reload_tokens()
        if error is not None:
            self._metrics.count("cepd_config_reloads_total", "failed")
            if self.last is None or error != self.last.tokens_error:
                log.error("tokens not reloaded", extra={"reason": error})
        return error

    async def _reconcile(self, reading: Reading, running: Mapping[str, bytes]) -> Reloaded:
        decision = await asyncio.to_thread(reconcile, reading.tree, running, self._load)
        before = self._machine.deployment
        if decision.generation is not None:
            await self._swap(decision.generation, decision.files, reading.revision)
        now = self._clock.now()
        good_at = now if decision.outcome in FITS else self.last.good_at if self.last else None
        reloaded = Reloaded(reading, decision, now, good_at)
        self._metrics.count("cepd_config_reloads_total", decision.outcome)
        _tell(reading, decision)
        if decision.generation is not None:
            self._metrics.forget_rules(self._machine.deployment.definitions)
            _tell_swap(before, self._machine.deployment)
        return reloaded

    async def _swap(self, generation: Generation, files: Mapping[str, bytes], revision: str) -> None:
        """Ends when the engine runs the generation, from a row of the journal on."""
        await asyncio.to_thread(self._generations.keep, generation.digest, files, revision)
        program = self._machine.deployment.program
        item = self._feed.swap(await asyncio.to_thread(self._deploy, generation, revision, program))
        await item.finished.wait()
        item.synced.result()
        self._running = files
        self._after_swap()


def _tell(reading: Reading, decision: Decision) -> None:
    errors = [problem for problem in decision.problems if problem.severity == "error"]
    level = logging.INFO if decision.outcome in FITS else logging.ERROR
    log.log(
        level,
        "reloaded",
        extra={
            "outcome": decision.outcome,
            "revision": reading.revision,
            "digest": reading.digest,
            "errors": len(errors),
            "warnings": len(decision.problems) - len(errors),
        },
    )
    for problem in errors[:FINDINGS_LOGGED]:
        log.error("finding", extra=_fields(problem))


def _fields(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "problem": problem.message,
        "help": problem.help,
    }


def _tell_swap(before: Deployment, after: Deployment) -> None:
    """One line per rule that is not what it was, with the fields that cost it its state, or its holds and open
    episodes; none for the rules of a first generation, which are all new."""
    for change in after.program.report.changes if before.definitions else ():
        old, new = before.program.rules.get(change.rule_id), after.program.rules.get(change.rule_id)
        if old != new:
            log.info(
                "swapped",
                extra={
                    "rule": change.rule_id,
                    "outcome": change.outcome,
                    "fields": change.fields,
                    "episodes": change.episodes,
                },
            )
