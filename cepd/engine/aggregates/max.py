"""The largest of a field's numbers."""

import operator
from typing import ClassVar

from cepd.engine.picking import Beats, ByValue


class Column(ByValue):
    beats: ClassVar[Beats] = operator.gt
