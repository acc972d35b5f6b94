"""Tumbling windows: `[k * size, (k + 1) * size)` from the epoch, or as a calendar cuts time."""

from cepd.engine.calendar import Calendar
from cepd.engine.panes import PaneUnit, every
from cepd.engine.windowed import window_of
from cepd.model.rule import Rule


class Unit(PaneUnit):
    def __init__(self, rule: Rule) -> None:
        window = window_of(rule)
        assert window.size is not None
        calendar = window.align == "calendar"
        super().__init__(rule, Calendar(window.size, window.timezone).bounds if calendar else every(window.size), 0)
