"""`make bench`: what cepd costs, as ratios within one run, pinned to one core. Prints a table; never fails a build.

    python -m tests.bench [--format text|json] [NAME ...]

Names choose topics by how theirs begin; without any, all run. Ratios are what carries from machine to machine; the
absolute figures beside them are of this one. A wrong count of matches or firings is an AssertionError.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from tests.bench.measuring import Size
from tests.bench.table import Row, as_json, as_text

TOPICS = (
    "stateless",
    "indexes",
    "building",
    "peers",
    "windows",
    "keys",
    "anomaly",
    "firing",
    "all_on",
    "daemon",
    "delivery",
    "simulate",
    "commands",
)
"""The modules of `tests.bench.topics`, in the order of the table."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"topics, by how their names begin: {', '.join(TOPICS)}"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    chosen = chosen_of(given.names)
    if not chosen:
        parser.error(f"no topic begins so; there are {', '.join(TOPICS)}")
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    rows = [row for name in chosen for row in measured(name, Size())]
    if given.format == "json":
        print(as_json(rows))
        return
    print(f"python {sys.version.split()[0]}, pinned to core {core}, median of {Size().rounds} rounds\n")
    print(as_text(rows))


def chosen_of(names: Sequence[str]) -> list[str]:
    return [topic for topic in TOPICS if not names or topic.startswith(tuple(names))]


def measured(topic: str, size: Size) -> list[Row]:
    if sys.stderr.isatty():
        print(f"{topic} ...", file=sys.stderr, flush=True)
    rows: list[Row] = list(import_module(f"tests.bench.topics.{topic}").rows(size))
    return rows


if __name__ == "__main__":
    main()
