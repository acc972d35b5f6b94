"""`cepd` that dies over an event that holds the word POISON.

    python -m tests.support.poisoned killed|unspeakable run ROOT ...

killed: by a signal, while the engine has it, as by a library that fails or for want of memory. unspeakable: by a fault,
while what it made fire is put into words for the store.
"""

import os
import signal
import sys
from typing import Any

import cepd.runtime.alerts
import cepd.runtime.machine
from cepd.cli.main import run

POISON = b"POISON"


def deadly(steps: Any) -> Any:
    def wrapped(machine: Any, frame: Any, *rest: Any) -> Any:
        if POISON in frame.body:
            os.kill(os.getpid(), signal.SIGKILL)
        return steps(machine, frame, *rest)

    return wrapped


def unspeakable(decoded: Any) -> Any:
    def wrapped(line: bytes) -> Any:
        if POISON in line:
            raise ValueError("there are no words for it")
        return decoded(line)

    return wrapped


if __name__ == "__main__":
    if sys.argv[1] == "killed":
        cepd.runtime.machine.Machine.steps = deadly(cepd.runtime.machine.Machine.steps)
    else:
        cepd.runtime.alerts._decoded = unspeakable(cepd.runtime.alerts._decoded)
    sys.argv = ["cepd", *sys.argv[2:]]
    run()
