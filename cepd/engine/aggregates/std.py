"""`stddev` by its short name."""

from cepd.engine.aggregates.stddev import Column as Column
