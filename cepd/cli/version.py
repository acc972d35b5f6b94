"""`cepd version`."""

from cepd import __version__
from cepd.cli.console import say


def version() -> None:
    """Print the version."""
    say(f"cepd {__version__}")
