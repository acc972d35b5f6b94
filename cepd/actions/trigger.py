"""Action `trigger`: the short name of `trigger_rule`, and nothing else."""

from cepd.actions.trigger_rule import perform as perform
from cepd.actions.trigger_rule import prepare as prepare
