"""Suppress and storm guard of one rule as a plain loop over its firings: lists, and nothing kept twice.

An independent second writing of the rules, to compare the engine with. All events come through one input.
"""

from typing import NamedTuple

MINUTE = 60
IDLE = 30


class Said(NamedTuple):
    kind: str
    key: str | None
    time: int
    alert: object
    count: int
    last_at: int
    folded: int | None


class Window(NamedTuple):
    closes: int
    key: str
    start: int
    end: int
    alert: object
    first: object
    folded: list[int]


def alerting(
    events: list[tuple[int, int, str | None]],
    *,
    until: int,
    lateness: int,
    window: int | None,
    summary: bool = True,
    max_alerts: int = 100,
) -> list[Said]:
    """`events`: (clock, time, key) in seconds, each a firing, or with key None an
    event that does not match. What comes out, `until` included. Alerts are named by
    the number of the event that opened them, storms by ("storm", that number)."""
    said: list[Said] = []
    alerts: dict[object, list[int]] = {}
    windows: list[Window] = []
    minutes: dict[int, dict[str, int]] = {}
    storms: dict[int, object] = {}
    mark = events[0][0] - lateness if events else 0
    highest: int | None = None
    seen = clock = events[0][0] if events else 0

    def close() -> None:
        """Of what ends at the same time, windows before minutes."""
        due: list[tuple[int, bool, str, int, Said | None]] = []
        for found in [found for found in windows if found.closes <= mark]:
            windows.remove(found)
            times, note = alerts[found.alert], None
            if found.folded and summary and found.alert == found.first:
                note = Said("summary", found.key, found.end, found.alert, len(times), max(times), len(found.folded))
            due.append((found.closes, False, f"[{found.key}", found.start, note))
        for minute, found_minute in list(minutes.items()):
            if found_minute["closes"] <= mark:
                del minutes[minute]
                name, note = storms.pop(minute, None), None
                times = alerts.get(name, [])
                if name is not None and len(times) > 1:
                    end = (minute + 1) * MINUTE
                    note = Said("summary", None, end, name, len(times), max(times), len(times))
                due.append((found_minute["closes"], True, "", minute * MINUTE, note))
        said.extend(note for *_, note in sorted(due, key=lambda item: item[:4]) if note is not None)

    def pass_time(to: int) -> None:
        nonlocal clock, mark
        while clock < to:
            clock += 1
            if highest is None or clock - seen > IDLE:
                mark += 1
            close()

    for number, (at, time, key) in enumerate(events):
        pass_time(at)
        seen = clock
        highest = time if highest is None else max(highest, time)
        mark = max(mark, min(highest, seen) - lateness)
        close()
        if key is None:
            continue
        mine = [found for found in windows if found.key == key]
        inside = [found for found in mine if found.start <= time < found.end]
        before = [found for found in mine if 0 < found.start - time < found.end - found.start]
        if window is not None and (inside or before):
            chosen = (inside or before)[0]
            chosen.folded.append(number)
            alerts[chosen.alert].append(time)
            said.append(
                Said("fired", key, time, chosen.alert, len(alerts[chosen.alert]), max(alerts[chosen.alert]), None)
            )
            continue
        minute = time // MINUTE
        if minute not in minutes:
            end = (minute + 1) * MINUTE
            minutes[minute] = {"closes": end if end > mark else mark + MINUTE, "alerts": 0}
        if minutes[minute]["alerts"] < max_alerts:
            minutes[minute]["alerts"] += 1
            alert: object = number
            alerts[alert] = [time]
        else:
            new = minute not in storms
            alert = storms.setdefault(minute, ("storm", number))
            alerts.setdefault(alert, []).append(time)
            count, last = len(alerts[alert]), max(alerts[alert])
            if new:
                said.append(Said("storm", None, time, alert, count, last, count))
        said.append(Said("fired", key, time, alert, len(alerts[alert]), max(alerts[alert]), None))
        if window is not None:
            end = time + window
            windows.append(Window(end if end > mark else mark + window, key, time, end, alert, number, []))
    pass_time(until)
    return said
