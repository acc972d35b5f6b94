"""The first value of a field in journal order."""

import operator
from typing import ClassVar

from cepd.engine.picking import Beats, ByOrder


class Column(ByOrder):
    beats: ClassVar[Beats] = operator.lt
