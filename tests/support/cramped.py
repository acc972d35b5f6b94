"""`cepd` with little room: short queues, and a database that may not grow while the file FULL exists.

    FULL=… python -m tests.support.cramped ARCHIVE run ROOT ...

As `tests.support.archiving` otherwise.
"""

import os
from typing import Any

from cepd.runtime.feed import Feed
from cepd.runtime.recorder import Recorder
from cepd.stores.transactions import Transactions
from tests.support import archiving

FIRINGS = 40
EVENTS = 1000


def bounded(commit: Any) -> Any:
    full = os.environ.pop("FULL", "")

    def wrapped(transactions: Any, calls: Any) -> None:
        limit = 1 if os.path.exists(full) else 1 << 30  # a limit below what there is stands for what there is
        transactions._connection.execute(f"PRAGMA max_page_count = {limit}")
        commit(transactions, calls)

    return wrapped


if __name__ == "__main__":
    Recorder.__init__.__kwdefaults__["capacity"] = FIRINGS
    Feed.__init__.__kwdefaults__["capacity_events"] = EVENTS
    Transactions._commit = bounded(Transactions._commit)
    archiving.main()
