"""Whom an eager window is to be asked for after an event: the members that the event may have made true for the first
time in the window, and those that follow the key.

A hundred rules that differ in threshold then cost one value and one bisection, as long as none of them is crossed.
Whom it names beyond need is harmless: a member that has nothing to hear hears nothing.
"""

from collections.abc import Sequence
from operator import attrgetter

from cepd.engine.cells import Layout
from cepd.engine.ladders import ladders
from cepd.engine.reading import Fed
from cepd.engine.running import Running

_POSITION = attrgetter("position")

Reached = dict[tuple[int, int], int]
"""By ladder and slot: up to which height all members have fired in the window. It only saves asking them again."""

_NOBODY: frozenset[str] = frozenset()


class Asking:
    """`crossed`: ids of the members that the event that was looked at last made true, as is known without asking them.
    They hear of a window once alone, and are noted as having fired."""

    def __init__(self, members: Sequence[Running], layout: Layout) -> None:
        found, self._rest = ladders(members)
        self._ladders = [(number, layout.place(ladder.aggregate), ladder) for number, ladder in enumerate(found)]
        self.crossed: frozenset[str] = _NOBODY
        self._followers: dict[str, list[Running]] = {}
        for member in members:
            for key in member.state.episodes:
                self.follow(member, key)

    def follow(self, member: Running, key: str) -> None:
        """The member heard something true of the key: it may follow it from here on. Episodes begin in no other way."""
        if member.rule.hold is None and member.rule.resolve is None:
            return
        followers = self._followers.setdefault(key, [])
        if not any(known is member for known in followers):
            followers.append(member)

    def whom(self, fed: Fed, reached: Reached) -> Sequence[Running]:
        """In rule order."""
        sight, slot, fired = fed.sight, fed.slot, fed.fired
        followed = self._following(fed.key) if self._followers else ()
        asked: list[Running] = []
        names: list[str] = []
        for number, place, ladder in self._ladders:
            value = sight.columns[place].value(sight.slot, ladder.aggregate, sight.end - sight.start)
            height = ladder.height(value)
            if not height:
                continue
            if not ladder.sure:
                asked += _unfired(ladder.members[:height], fired.get(slot, ()))
            elif height > (before := reached.get((number, slot), 0)):
                reached[number, slot] = height
                first = _unfired(ladder.members[before:height], fired.get(slot, ()))
                names += [member.rule.id for member in first]
                asked += first
        self.crossed = frozenset(names) if names else _NOBODY
        if names:
            fired.setdefault(slot, []).extend(names)
        if self._rest:
            asked += _unfired(self._rest, fired.get(slot, ()))
        if followed:
            asked = list({member.position: member for member in (*asked, *followed)}.values())
        if len(asked) > 1:
            asked.sort(key=_POSITION)
        return asked

    def _following(self, key: str) -> list[Running]:
        """The members with a hold or an open episode for the key; of the others it is forgotten that they had one."""
        known = self._followers.get(key, ())
        found = [member for member in known if key in member.state.episodes]
        if len(found) < len(known):
            if found:
                self._followers[key] = found
            else:
                del self._followers[key]
        return found


def _unfired(members: list[Running], fired: Sequence[str]) -> list[Running]:
    """Those that may fire yet. One with a hold is told everything, also where it fired before an edit gave it one."""
    if not fired:
        return members
    gone = set(fired)
    return [member for member in members if member.rule.hold is not None or member.rule.id not in gone]
