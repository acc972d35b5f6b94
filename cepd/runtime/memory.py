"""Memory, told what a daemon is: much that lives on, little that comes and goes in cycles, threads for large writes.

A collection looks at every object that may be part of a cycle, and stops the process meanwhile. What lives on after a
reload is left out of all later ones. Events and state are structs that it does not look at in the first place.

The C library gives each thread an arena of its own, and keeps what was freed there for that thread: snapshots of ten
megabytes, written by one thread after the other, grew a daemon by eighty in five minutes. Two arenas are enough.

What is larger than a limit it asks the system for, and gives back at once when it is freed; each page then costs a
fault when it is first written to. The known ids are one table of eight megabytes, which is made anew every quarter of a
million events: that took twenty milliseconds, nearly all of them for those two thousand faults. The C library raises
the limit by itself once something larger was freed, as a snapshot is; here it is so from the start.
"""

import ctypes
import gc

THRESHOLDS = (50_000, 20, 100)
"""New objects until the first generation is collected, collections of it until the second is, and so on: fewer than by
default, as most of what the daemon makes goes without being collected. With a million objects alive this took a fifth
off what an event costs. Never off: exceptions and tasks make cycles."""


MB = 1 << 20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""From glibc's malloc.h."""
TUNED = {_M_ARENA_MAX: 2, _M_MMAP_THRESHOLD: 16 * MB, _M_TRIM_THRESHOLD: 32 * MB}
"""What is freed at the end of the heap stays for as many bytes as the last one says: twice the limit, as the C library
has it when it sets it."""


def prepare() -> None:
    """At the start of a daemon, before it has threads."""
    gc.set_threshold(*THRESHOLDS)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's alone; others have no arenas to limit
    if mallopt is not None:
        for parameter, value in TUNED.items():
            mallopt(parameter, value)


def settle() -> None:
    """After a reload: what it replaced goes at once, what is left is not looked at again until the next one."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
