"""`python -m cepd` is the command `cepd`."""

from cepd.cli.main import run

run()
