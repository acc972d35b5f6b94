"""Where concrete classes meet: from the options of `cepd run` to the running daemon."""

import asyncio
import logging
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import uvloop

from cepd import plugins
from cepd.config.load import load
from cepd.engine.program import Program
from cepd.intake.horizon import Horizon
from cepd.model.alert import Through
from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import SECOND, Span
from cepd.model.errors import RetryLaterError
from cepd.model.generation import Generation
from cepd.model.happenings import DELIVERY_TYPE
from cepd.model.rule import Severity
from cepd.model.settings import Settings
from cepd.net import GuardedClient
from cepd.ports import Clock, Store, Tools
from cepd.runtime import memory
from cepd.runtime.clock import SystemClock
from cepd.runtime.daemon import Daemon
from cepd.runtime.deployment import Deployment, deploy, perform
from cepd.runtime.dispatcher import Dispatcher
from cepd.runtime.feed import Feed
from cepd.runtime.generations import Generations
from cepd.runtime.happenings import Hearing
from cepd.runtime.heartbeat import Heartbeat
from cepd.runtime.inbox import Inbox
from cepd.runtime.machine import Machine
from cepd.runtime.processor import Processor
from cepd.runtime.recorder import Recorder
from cepd.runtime.reloader import Reloader
from cepd.runtime.retention import Sweeper
from cepd.runtime.runs import Runs
from cepd.runtime.snapshots import Snapshotter
from cepd.runtime.status import (
    ack_samples,
    config_samples,
    journal_samples,
    part_samples,
    snapshot_samples,
    stop_samples,
    store_samples,
    tally_samples,
)
from cepd.runtime.stream import Stream
from cepd.runtime.watcher import Watcher
from cepd.secrets import ProcessSecrets
from cepd.stores.journal import LIMIT, FileJournal, open_journal
from cepd.stores.opening import is_shared, open_store
from cepd.stores.progress import open_progress
from cepd.stores.quarantine import FOLDER, FileQuarantine
from cepd.stores.shelf import FileShelf
from cepd.stores.snapshots import FileSnapshots
from cepd.telemetry.logs import setup_logging
from cepd.telemetry.metrics import Metrics, Sample, Source
from cepd.web.app import create_app
from cepd.web.auth import TokenFile
from cepd.web.server import bind, check_listen, serve, url_of
from cepd.web.services import Services
from cepd.web.stream import line_of

log = logging.getLogger(__name__)

T = TypeVar("T")

SCRAPE_PATIENCE = 2.0
"""Seconds that a scrape waits for the store's counts; without them it shows the rest."""


SHARED_LOOK = 1.0
"""Seconds after which a shared store is looked into for what others have left."""


RELOAD_PATIENCE = 10.0
"""Seconds that the answer to a reload may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What `cepd run` was told. `tokens`: the token file; None: loopback only. `retain`: how long the journal keeps
    rows that no start needs."""

    root: Path
    data_dir: Path
    store: str | None = None
    """The store's address; None: a SQLite file in the data directory."""
    host: str = "127.0.0.1"
    port: int = 8080
    tokens: Path | None = None
    poll_interval: Span = 10 * SECOND
    drain: Span = 10 * SECOND
    snapshot_interval: Span = 30 * SECOND
    retain: Span = 0
    journal_limit: int = LIMIT
    log_format: str = "auto"
    """auto, text or json. auto: text on a terminal."""


def run_daemon(options: RunOptions) -> int:
    """Runs until SIGTERM or SIGINT; 0. StartError where the daemon cannot begin."""
    secrets = ProcessSecrets()
    as_json = options.log_format == "json" or (options.log_format == "auto" and not sys.stdout.isatty())
    setup_logging(as_json, secrets.redact)
    check_listen(options.host, with_tokens=options.tokens is not None)
    tokens = TokenFile(options.tokens) if options.tokens else None
    if tokens and (exposure := tokens.exposure()):
        log.warning("tokens exposed", extra={"reason": exposure})
    memory.prepare()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(options, secrets, tokens))
    return 0


async def _run(options: RunOptions, secrets: ProcessSecrets, tokens: TokenFile | None) -> None:
    stop = asyncio.Event()
    _own_signals(stop)
    http = GuardedClient()
    listener = bind(options.host, options.port)
    journal = open_journal(options.data_dir / "journal", limit=options.journal_limit)
    store = await open_store(options.store, options.data_dir)
    daemon, metrics = build(options, http, secrets, tokens, journal, store)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, daemon.watcher.wake)
    app = create_app(_services(daemon, metrics, tokens, stop))
    log.info("listening", extra={"url": url_of(listener)})
    try:
        await daemon.run(stop, lambda: serve(app, listener, stop))
    finally:
        listener.close()
        await http.aclose()


def build(
    options: RunOptions,
    http: GuardedClient,
    secrets: ProcessSecrets,
    tokens: TokenFile | None,
    journal: FileJournal,
    store: Store,
) -> tuple[Daemon, Metrics]:
    """The daemon's parts, connected, not started; on the loop that will run them."""
    snapshots = FileSnapshots(options.data_dir / "snapshots")
    clock = SystemClock(journal.last_clock)
    metrics = Metrics()
    feed = Feed(journal, clock)
    runs = Runs(store, feed, clock, deployment=lambda: machine.deployment, written=lambda seq: recorder.written(seq))
    shelf = FileShelf(options.data_dir / "stored")
    tools = Tools(http=http, secrets=secrets, clock=clock, egress=(), runs=runs, shelf=shelf)
    ready_to_run = partial(deploy, modules=plugins.plugin, tools=tools)
    generations = Generations(options.data_dir / "generations")
    load_tree = partial(load, catalog=plugins.built())

    def restore(digest: str, before: Program | None) -> Deployment:
        tree, revision = generations.read(digest)
        return ready_to_run(load_tree(tree), revision, before)

    machine = Machine(ready_to_run(_nothing(), "", None))
    horizon = Horizon()
    inbox = Inbox(feed, horizon, metrics)
    hearing = Hearing(inbox, lambda: machine.deployment.listening, metrics)
    dispatcher = Dispatcher(
        store,
        clock,
        _performer(machine, hearing, metrics, clock),
        lambda: random.uniform(0.9, 1.1),
        longest_sleep=SHARED_LOOK if is_shared(options.store) else None,
        settled=runs.settled,
        listening=lambda: machine.deployment.listening,
    )
    progress = open_progress(options.data_dir)
    quarantine = FileQuarantine(options.data_dir / FOLDER)
    recorder = Recorder(store, clock, metrics, recorded=dispatcher.wake, blame=progress.blame)
    reloader = Reloader(
        options.root,
        load=load_tree,
        deploy=ready_to_run,
        generations=generations,
        machine=machine,
        feed=feed,
        clock=clock,
        metrics=metrics,
        reload_tokens=tokens.reload if tokens else lambda: None,
        after_swap=memory.settle,
    )
    heartbeat = Heartbeat()
    stream = Stream(store, metrics, line_of, look_every=SHARED_LOOK if is_shared(options.store) else None)
    store.watch(stream.wake)
    snapshotter = Snapshotter(
        machine,
        feed,
        horizon,
        recorder,
        journal,
        snapshots,
        generations,
        clock,
        metrics,
        interval=options.snapshot_interval,
        retain=options.retain,
    )
    sweeper = Sweeper(
        store,
        clock,
        metrics,
        kept=lambda: machine.deployment.generation.settings.retention,
        final_before=lambda: snapshotter.final_before,
    )
    metrics.read_from(part_samples(feed, recorder, machine, heartbeat, lambda: horizon.id_reused))
    metrics.read_from(snapshot_samples(snapshotter, clock))
    metrics.read_from(config_samples(reloader, machine))
    metrics.read_from(stop_samples(machine, clock))
    metrics.read_from(stream.samples)
    metrics.read_from(journal_samples(journal, quarantine))
    metrics.read_from(_store_source(store.counts, lambda counts: store_samples(counts, clock.now())))
    metrics.read_from(
        _store_source(
            lambda: store.ack_counts(clock.now() - machine.deployment.generation.settings.ack_sla),
            lambda counts: ack_samples(counts, machine.deployment.definitions),
        )
    )
    metrics.read_from(tally_samples(store.tally))
    daemon = Daemon(
        clock=clock,
        journal=journal,
        snapshots=snapshots,
        store=store,
        horizon=horizon,
        feed=feed,
        runs=runs,
        machine=machine,
        inbox=inbox,
        recorder=recorder,
        processor=Processor(feed, machine, recorder, clock, snapshotter, progress),
        snapshotter=snapshotter,
        dispatcher=dispatcher,
        stream=stream,
        sweeper=sweeper,
        reloader=reloader,
        watcher=Watcher(options.root, options.poll_interval),
        heartbeat=heartbeat,
        restore=restore,
        progress=progress,
        quarantine=quarantine,
        kept_files=lambda digest: generations.read(digest)[0].files,
        reload=reloader.reload,
        drain=options.drain,
    )
    return daemon, metrics


def _nothing() -> Generation:
    """What runs before the first good tree."""
    return Generation(digest="", settings=Settings(), definitions=(), channels={}, files=())


def _performer(
    machine: Machine, hearing: Hearing, metrics: Metrics, clock: Clock
) -> Callable[[Delivery], Awaitable[Outcome]]:
    """One try of a delivery by what holds now, measured and counted by how it ended."""

    async def attempt(delivery: Delivery) -> Outcome:
        begun = time.monotonic()
        if delivery.type == DELIVERY_TYPE:
            outcome = await hearing.perform(delivery)
        else:
            outcome = await perform(delivery, machine.deployment, plugins.plugin)
        metrics.observe("cepd_delivery_attempt_duration_seconds", delivery.target, value=time.monotonic() - begun)
        metrics.count("cepd_delivery_attempts_total", delivery.target, outcome.result)
        if outcome.result == "sent":
            latency = max(clock.now() - delivery.due_at, 0) / SECOND
            metrics.observe("cepd_delivery_latency_seconds", delivery.target, value=latency)
        return outcome

    return attempt


def _store_source(ask: Callable[[], Awaitable[T]], tell: Callable[[T], Iterator[Sample]]) -> Source:
    """Asks the store at each scrape, which runs in another thread than the loop that this is called on."""
    loop = asyncio.get_running_loop()

    async def answer() -> T:
        return await ask()

    def read() -> Iterator[Sample]:
        asked = asyncio.run_coroutine_threadsafe(answer(), loop)
        try:
            counts = asked.result(SCRAPE_PATIENCE)
        except (RetryLaterError, TimeoutError) as error:
            asked.cancel()
            log.warning("store not scraped", extra={"reason": str(error) or "it took too long"})
            return
        yield from tell(counts)

    return read


def _ack_counter(metrics: Metrics) -> Callable[[Through, Severity, Span | None], None]:
    def count(source: Through, severity: Severity, waited: Span | None) -> None:
        metrics.count("cepd_acks_total", source)
        if waited is not None:
            metrics.observe("cepd_time_to_ack_seconds", severity, value=waited / SECOND)

    return count


def _services(daemon: Daemon, metrics: Metrics, tokens: TokenFile | None, stop: asyncio.Event) -> Services:
    return Services(
        submit=daemon.inbox.submit,
        store=daemon.store,
        stream=daemon.stream,
        deployment=lambda: daemon.machine.deployment,
        rule_stats=lambda rule_id: daemon.machine.engine.stats.rules.get(rule_id),
        standing=lambda rule_id: daemon.machine.engine.standing(rule_id),
        baselines=lambda rule_id, limit: daemon.machine.engine.baselines(rule_id, limit),
        reset=daemon.inbox.reset,
        stops=lambda: daemon.machine.engine.stops,
        disable=daemon.inbox.disable,
        enable=daemon.inbox.enable,
        run=daemon.run_rule,
        last_reload=lambda: daemon.reloader.last,
        reload=partial(daemon.reloader.reload_within, RELOAD_PATIENCE),
        wake_dispatcher=daemon.dispatcher.wake,
        unready=daemon.unready,
        unhealthy=lambda: daemon.broken,
        acknowledged=_ack_counter(metrics),
        render_metrics=metrics.render,
        clock=daemon.clock,
        drain=stop,
        tokens=tokens,
    )


def _own_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT begin to stop, and end the process at once the second time. SIGHUP asks for what is still to
    come: the folder is read once all is opened, and from then on it wakes the watcher."""
    loop = asyncio.get_running_loop()

    def begin_to_stop() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_to_stop)
    loop.add_signal_handler(signal.SIGHUP, log.info, "starting; the folder will be read")
