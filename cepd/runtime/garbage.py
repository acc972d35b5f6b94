"""The garbage collector, told what a daemon is: much that lives on, and little that comes and goes in cycles.

A collection looks at every object that may be part of a cycle, and stops the process meanwhile. What lives on after a
reload is left out of all later ones. Events and state are structs that it does not look at in the first place.
"""

import gc

THRESHOLDS = (50_000, 20, 100)
"""New objects until the first generation is collected, collections of it until the second is, and so on: fewer than by
default, as most of what the daemon makes goes without being collected. With a million objects alive this took a fifth
off what an event costs. Never off: exceptions and tasks make cycles."""


def collect_seldom() -> None:
    """At the start of a daemon."""
    gc.set_threshold(*THRESHOLDS)


def settle() -> None:
    """After a reload: what it replaced goes at once, what is left is not looked at again until the next one."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
