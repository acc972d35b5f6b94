"""Which keys rules without a unit follow: those with a hold or an open episode.

An event of such a key that does not match is a false evaluation; of any other key it is nothing. So that a false event
costs nothing where nobody follows its key, rules that hear the same types by the same `group_by` have one map.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from cepd.engine.projection import View

if TYPE_CHECKING:
    from cepd.engine.running import Running


class Watch(msgspec.Struct):
    """`followers`: by key, then by the rule's position."""

    read: Callable[[View], str | None]
    followers: "dict[str, dict[int, Running]]" = msgspec.field(default_factory=dict)

    def look(self, running: "Running", key: str) -> None:
        """After something happened to the key: the rule follows it from here on, or no more."""
        if key in running.state.episodes:
            self.followers.setdefault(key, {})[running.position] = running
        elif (others := self.followers.get(key)) is not None:
            others.pop(running.position, None)
            if not others:
                del self.followers[key]


def watch_all(rules: "Sequence[Running]") -> None:
    """Gives each rule that follows keys its watch."""
    found: dict[object, Watch] = {}
    for running in rules:
        compiled = running.compiled
        if compiled.unit is None and compiled.episodic:
            running.watch = found.setdefault((compiled.types, compiled.rule.group_by), Watch(compiled.key))
    follow_anew(rules)


def follow_anew(rules: "Sequence[Running]") -> None:
    """Of each rule the keys that its state holds, and no others."""
    followers = [(running, running.watch) for running in rules if running.watch is not None]
    for _, watch in followers:
        watch.followers.clear()
    for running, watch in followers:
        for key in running.state.episodes:
            watch.look(running, key)
