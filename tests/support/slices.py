"""`cepd` on a loop that notes the longest piece of work of each second, and writes them to the file TOLD when it ends.

    python -m tests.support.slices TOLD run ROOT ...

A piece of work is one callback of the loop, such as one step of a task. It is measured in CPU time of the loop's
thread: what other processes and threads take does not count, and what the daemon's own work takes is all there,
whichever part did it. The loop is asyncio's own, because uvloop's calls cannot be seen.
"""

import asyncio
import atexit
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import uvloop


class Slice(NamedTuple):
    seconds: float
    what: str


def note_longest(longest: dict[int, Slice]) -> Callable[[asyncio.Handle], None]:
    """In place of `Handle._run`: by second of the monotonic clock."""
    plain = asyncio.Handle._run

    def run(handle: asyncio.Handle) -> None:
        begun = time.thread_time()
        plain(handle)
        took = time.thread_time() - begun
        second = int(time.monotonic())
        if second not in longest or took > longest[second].seconds:
            longest[second] = Slice(took, _name(handle))

    return run


def _name(handle: Any) -> str:
    callback = handle._callback
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"{task.get_name()}: {task.get_coro().__qualname__}"
    return str(getattr(callback, "__qualname__", callback))


def read(told: Path, begun: float, ended: float) -> list[Slice]:
    """The longest slice of each whole second between two times of the monotonic clock; of a daemon that has ended."""
    noted = json.loads(told.read_text(encoding="utf-8"))
    return [Slice(*found) for second, found in noted if begun <= second < int(ended)]


def main() -> None:
    from cepd.cli.main import run

    told, longest = Path(sys.argv[1]), dict[int, Slice]()
    atexit.register(lambda: told.write_text(json.dumps(sorted(longest.items()))))
    asyncio.Handle._run = note_longest(longest)  # type: ignore[method-assign]
    uvloop.new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]
    sys.argv = ["cepd", *sys.argv[2:]]
    run()


if __name__ == "__main__":
    main()
