"""Sliding windows: `[end - size, end)` for each multiple `end` of `slide`. `size` is a multiple of `slide`."""

from cepd.engine.panes import PaneUnit, every
from cepd.engine.windowed import window_of
from cepd.model.rule import Rule


class Unit(PaneUnit):
    def __init__(self, rule: Rule) -> None:
        window = window_of(rule)
        assert window.size is not None
        assert window.slide is not None
        super().__init__(rule, every(window.slide), window.size - window.slide)
