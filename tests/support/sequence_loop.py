"""Sequences by brute force: at each event everything is worked out anew from the list of all events.

A pattern here is plain: steps are (type, count), a type `*` being any; `guard` is (place of the step it stands before,
type); `absent` a type. A run is looked at as the list of (place, event) in it.
"""

from typing import NamedTuple


class Heard(NamedTuple):
    """`mark`: the watermark when it came."""

    number: int
    time: int
    type: str
    mark: int


class Plain(NamedTuple):
    steps: tuple[tuple[str, int], ...]
    within: int
    strict: bool
    guard: tuple[int, str] | None = None
    absent: str | None = None


Served = list[tuple[int, Heard]]


def fits(pattern_type: str, event: Heard) -> bool:
    return pattern_type in ("*", event.type)


def lacking(pattern: Plain, run: Served) -> list[int]:
    """Places of the steps that lack events."""
    had = [place for place, _ in run]
    return [place for place, (_, count) in enumerate(pattern.steps) if had.count(place) < count]


def first(run: Served) -> int:
    return min(event.time for _, event in run)


def last(run: Served) -> int:
    return max(event.time for _, event in run)


def killed(pattern: Plain, run: Served, event: Heard) -> bool:
    lacks = lacking(pattern, run)
    if not last(run) <= event.time <= first(run) + pattern.within:
        return False
    if not lacks:
        return pattern.absent is not None and fits(pattern.absent, event)
    return pattern.guard is not None and pattern.guard[0] == lacks[0] and fits(pattern.guard[1], event)


def next_place(pattern: Plain, run: Served, event: Heard) -> int | None:
    """The place at which the event joins, if it does."""
    places = lacking(pattern, run)[: 1 if pattern.strict else None]
    place = next((place for place in places if fits(pattern.steps[place][0], event)), None)
    low, high = min(first(run), event.time), max(last(run), event.time)
    ordered = not pattern.strict or event.time >= last(run)
    return place if ordered and high - low <= pattern.within else None


def beginning(pattern: Plain, event: Heard) -> int | None:
    """The place at which the event would begin a run."""
    places = range(1 if pattern.strict else len(pattern.steps))
    late = event.time + pattern.within < event.mark
    return None if late else next((place for place in places if fits(pattern.steps[place][0], event)), None)


def numbers(run: Served) -> tuple[int, ...]:
    """In order of time; of equal times in order of the steps."""
    return tuple(event.number for _, event in sorted(run, key=lambda one: (one[1].time, one[0], one[1].number)))


def all_runs(pattern: Plain, history: list[Heard], mark: int) -> list[tuple[int, tuple[int, ...]]]:
    """(event or 0, numbers) of every match of `runs: all`, in order: each beginning is followed to its end by itself.
    0: what must stay absent did, by the watermark `mark`."""
    found: list[tuple[int, int, int, tuple[int, ...]]] = []
    for begin, run in enumerate(_beginnings(pattern, history)):
        if run is None:
            continue
        end = _follow(pattern, run, history[begin + 1 :])
        if end is not None and pattern.absent is None:
            found.append((end, 0, begin, numbers(run)))
        elif end is not None and first(run) + pattern.within < mark:
            found.append((0, first(run), begin, numbers(run)))
    return [(end, match) for end, _, _, match in sorted(found)]


def _beginnings(pattern: Plain, history: list[Heard]) -> list[Served | None]:
    """For each event the run that it begins, if it does: with a first step of several, the newest of them."""
    found: list[Served | None] = []
    gathered: list[Heard] = []
    for event in history:
        gathered = [old for old in gathered if old.time + pattern.within >= event.mark]
        place, count = beginning(pattern, event), pattern.steps[0][1]
        if place is None or not pattern.strict or count == 1:
            found.append(None if place is None else [(place, event)])
            continue
        if not gathered or event.time >= gathered[-1].time:
            gathered = [old for old in [*gathered, event] if old.time + pattern.within >= event.time][-count:]
            found.append([(0, old) for old in gathered] if len(gathered) == count else None)
        else:
            found.append(None)
    return found


def _follow(pattern: Plain, run: Served, later: list[Heard]) -> int | None:
    """The number of the event that completes the run; None where that never happens or something ends it."""
    done = None if lacking(pattern, run) else run[-1][1].number
    for event in later:
        if done is not None and pattern.absent is None:
            return done
        if first(run) + pattern.within < event.mark:
            return done
        if killed(pattern, run, event):
            return None
        place = next_place(pattern, run, event)
        if place is not None:
            run.append((place, event))
            done = None if lacking(pattern, run) else event.number
    return done


def one_run(pattern: Plain, history: list[Heard], mark: int) -> list[tuple[int, tuple[int, ...]]]:
    """The same for `runs: one`: one run, and those before it that have all but the end of their span."""
    found: list[tuple[int, tuple[int, ...]]] = []
    waiting: list[Served] = []
    run: Served = []
    for event in [*history, Heard(0, -1, "", mark)]:
        over = [one for one in [*waiting, run] if one and not lacking(pattern, one) and ended(pattern, one, event.mark)]
        found += [(0, numbers(one)) for one in sorted(over, key=first)]
        waiting = [one for one in waiting if one not in over and not killed(pattern, one, event)]
        run = [] if run in over else newer(pattern, run, event.mark - pattern.within)
        if run and killed(pattern, run, event):
            run = []
        place = next_place(pattern, run, event) if run else None
        if place is None:
            if run and not lacking(pattern, run) and ended(pattern, run, event.time):
                if beginning(pattern, event) is None:
                    continue
                waiting, run = [*waiting, run], []
            place, run = _restart(pattern, run, event)
        if place is not None:
            run = newer(pattern, [*run, (place, event)], max(last(run or [(0, event)]), event.time) - pattern.within)
        if run and not lacking(pattern, run) and pattern.absent is None:
            found.append((event.number, numbers(run)))
            run = []
    return found


def ended(pattern: Plain, run: Served, mark: int) -> bool:
    return first(run) + pattern.within < mark


def newer(pattern: Plain, run: Served, oldest: int) -> Served:
    """The run without its events before `oldest`; in a strict order without all later steps too, if it had any."""
    gone = any(event.time < oldest for _, event in run)
    return [(place, event) for place, event in run if event.time >= oldest and not (gone and pattern.strict and place)]


def _restart(pattern: Plain, run: Served, event: Heard) -> tuple[int | None, Served]:
    """Where the event goes that could not join, if anywhere, and what of the run stays."""
    if event.time + pattern.within < event.mark:
        return None, run
    places = [0] if pattern.strict else [*lacking(pattern, run), *range(len(pattern.steps))]
    place = next((place for place in places if fits(pattern.steps[place][0], event)), None)
    peers = sorted((one for one in run if one[0] == place), key=lambda one: one[1].time)
    full = place is not None and len(peers) == pattern.steps[place][1]
    if place is None or (pattern.strict and peers and event.time < peers[-1][1].time):
        return None, run
    if not pattern.strict and run and event.time < last(run) - pattern.within:
        return None, run
    if full and event.time < peers[0][1].time:
        return None, run
    kept = [one for one in run if not (pattern.strict and one[0])]
    return place, [one for one in kept if not (full and one is peers[0])]
