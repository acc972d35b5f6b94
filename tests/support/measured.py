"""`cepd` that writes what it took to the file TOLD when it ends: its peak resident memory in bytes, its CPU seconds.

    python -m tests.support.measured TOLD simulate ROOT ...

The peak is that of the process itself. What the kernel tells its parent is not: it begins with the parent's own.
"""

import atexit
import json
import sys
import time
from pathlib import Path

from cepd.cli.main import run
from tests.support.simulating import in_status


def tell(told: Path) -> None:
    told.write_text(json.dumps({"peak": in_status("VmHWM"), "cpu": time.process_time()}), encoding="utf-8")


if __name__ == "__main__":
    atexit.register(tell, Path(sys.argv[1]))
    sys.argv = ["cepd", *sys.argv[2:]]
    run()
