"""`make bench`: what cepd costs, as ratios within one run, pinned to one core. Prints a table; never fails a build.

Ratios are what carries from machine to machine; the absolute figures beside them are of this one.
"""

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

RULES = 1_000
EVENTS = 200_000
ROUNDS = 5


def main() -> None:
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    print(f"python {sys.version.split()[0]}, pinned to core {core}, median of {ROUNDS} rounds\n")
    with tempfile.TemporaryDirectory() as folder:
        rows = [*commands(Path(folder)), *replay(Path(folder))]
    width = max(len(row[0]) for row in rows)
    print(f"{'what':<{width}}  {'figure':>16}  {'ratio':>8}  of")
    for what, figure, ratio, base in rows:
        print(f"{what:<{width}}  {figure:>16}  {ratio:>8.2f}  {base}")


Row = tuple[str, str, float, str]


def commands(folder: Path) -> Iterator[Row]:
    """CPU of whole commands, start of Python included, as multiples of an empty Python."""
    tree = folder / "tree"
    write_rules(tree, RULES)
    nothing = median(lambda: cpu_of(sys.executable, "-c", "pass"))
    base = "CPU of python -c pass"
    yield "python -c pass", f"{nothing * 1e3:.0f} ms CPU", 1.0, base
    for name, arguments in (("version", ["version"]), (f"validate, {RULES:,} rules", ["validate", str(tree)])):
        spent = median(lambda arguments=arguments: cpu_of(sys.executable, "-m", "cepd", *arguments))
        yield f"cepd {name}", f"{spent * 1e3:.0f} ms CPU", spent / nothing, base


def replay(folder: Path) -> Iterator[Row]:
    """Throughput of `cepd simulate`, file to report, as a share of only decoding the same lines."""
    recording = folder / "events.ndjson"
    write_events(recording, EVENTS)
    base = "decode-only (msgspec decode_lines to dicts)"
    lines = recording.read_bytes()
    decoder = msgspec.json.Decoder()

    def decode_only() -> float:
        started = time.process_time()
        step = 500
        rows = lines.splitlines(keepends=True)
        started = time.process_time()
        for at in range(0, len(rows), step):
            decoder.decode_lines(b"".join(rows[at : at + step]))
        return time.process_time() - started

    bound = EVENTS / median(decode_only)
    yield "decode-only", f"{bound:,.0f} ev/s", 1.0, base
    for rules in (10, 100):
        tree = folder / f"tree-{rules}"
        write_rules(tree, rules)
        rate = EVENTS / median(lambda tree=tree: simulated(tree, recording))
        yield f"simulate, {rules} rules", f"{rate:,.0f} ev/s", rate / bound, base


def simulated(tree: Path, recording: Path) -> float:
    command = [sys.executable, "-m", "cepd", "simulate", str(tree), "--events", str(recording), "--format", "json"]
    report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert report["events"] == EVENTS, report
    return float(report["cpu_seconds"])


def cpu_of(*command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def write_rules(tree: Path, count: int) -> None:
    """`count` rules over 20 event types, ten a file, each true for about 2 % of its events."""
    tree.mkdir(parents=True)
    (tree / "channel.yaml").write_text("kind: Channel\nname: ops\ntype: webhook\nurl: https://ops.example.com/in\n")
    for file in range(0, count, 10):
        rules = "".join(
            f"""
  - id: rule-{number}
    severity: high
    trigger: {{type: event, event_type: kind.{number % 20:02d}}}
    when: cpu > {98 + number % 7 / 10} and region != "nowhere"
    group_by: [host]
    suppress: 1h
    actions:
      - {{type: notify, channels: [ops], message: "CPU {{{{ cpu }}}} on {{{{ host }}}}"}}"""
            for number in range(file, min(file + 10, count))
        )
        (tree / f"pack-{file:05d}.yaml").write_text(f"kind: RulePack\nname: pack-{file}\nrules:{rules}\n")


def write_events(path: Path, count: int) -> None:
    """Events of about 230 bytes over 300 s: 20 types, 1,000 hosts."""
    dice = random.Random(7)
    with path.open("w", encoding="ascii") as out:
        for number in range(count):
            host = f"host-{dice.randrange(1000):04d}"
            event = {
                "id": f"{number:08x}",
                "type": f"kind.{dice.randrange(20):02d}",
                "source": host,
                "host": host,
                "severity": dice.choice(["debug", "info", "warning", "error"]),
                "service": f"svc-{dice.randrange(8)}",
                "region": dice.choice(["eu-west-1", "us-east-1"]),
                "ts": round(1_763_596_800 + number * 300 / count, 3),
                "cpu": round(dice.random() * 100, 2),
                "mem": round(dice.random() * 100, 2),
                "latency_ms": round(dice.random() * 1000, 1),
                "errors": dice.randrange(1000),
            }
            out.write(json.dumps(event, separators=(",", ":")) + "\n")


main()
