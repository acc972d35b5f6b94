"""`cepd demo`: the daemon on the example repository, fed with this machine's figures and a recorded stream.

Everything is real: a daemon of its own process with SQLite, HTTP in, signed webhooks out to a receiver of this
process. Only the folder is thrown away at the end.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cepd.cli.console import note, say
from cepd.model.errors import StartError


def demo(
    seconds: Annotated[int, typer.Option(min=0, help="End by itself after so long; 0 runs until Ctrl-C.")] = 0,
    listen: Annotated[
        str, typer.Option(help="Address and port of the daemon; port 0 takes a free one.")
    ] = "127.0.0.1:0",
) -> None:
    """Show it all at work, with nothing to set up.

    Sends load, memory and disk of this machine once a second and a recorded stream of a shop, prints alerts as they
    come, what a channel gets, and the curl line that acknowledges the first one.

    \b
    Examples:
      cepd demo
      cepd demo --seconds 20
    """
    import asyncio
    import shutil
    import tempfile

    from cepd.cli.show import Show

    examples = find_examples()
    with tempfile.TemporaryDirectory(prefix="cepd-demo-") as folder:
        tree = Path(folder) / "repository"
        shutil.copytree(examples, tree)
        say(f"rules and channels: {tree} (edit them while this runs)")
        show = Show(tree=tree, data_dir=Path(folder) / "data", listen=listen, seconds=seconds or None)
        try:
            alerts = asyncio.run(show.run())
        except KeyboardInterrupt:
            note("stopped")
            return
    if not alerts:
        raise StartError("the demo saw no alert", help="the log above says why")


def find_examples() -> Path:
    """`examples/` of the checkout, else the copy in the installed package."""
    package = Path(sys.modules["cepd"].__file__ or "").parent
    for folder in (package.parent / "examples", package / "_examples"):
        if (folder / "cepd.yaml").is_file():
            return folder
    raise StartError("the example repository is not there", help="run the demo from a checkout, or reinstall cepd")
