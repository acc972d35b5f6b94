"""`cepd run`: the daemon."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cepd.model.duration import parse_duration
from cepd.model.errors import StartError
from cepd.model.size import parse_size


class LogFormat(StrEnum):
    auto = "auto"
    text = "text"
    json = "json"


def run(
    root: Annotated[
        Path, typer.Argument(envvar="CEPD_ROOT", help="The folder with the rules, or a link to it.")
    ] = Path("."),
    listen: Annotated[
        str, typer.Option(envvar="CEPD_LISTEN", help="Address and port. Others than loopback need --tokens.")
    ] = "127.0.0.1:8080",
    data_dir: Annotated[
        Path,
        typer.Option(envvar="CEPD_DATA_DIR", help="Journal, snapshots, database, good generations. One daemon each."),
    ] = Path(".cepd"),
    store: Annotated[
        str | None,
        typer.Option(
            envvar="CEPD_STORE",
            help="Where alerts and deliveries are kept: sqlite:///FILE or postgresql://USER@HOST/DATABASE, which "
            "several daemons may share; without it a file in the data directory.",
            show_default=False,
        ),
    ] = None,
    tokens: Annotated[
        Path | None, typer.Option(envvar="CEPD_TOKENS", help="File of hashed tokens with roles.", show_default=False)
    ] = None,
    poll_interval: Annotated[
        str, typer.Option(envvar="CEPD_POLL_INTERVAL", help="How often the folder is read even without a notice.")
    ] = "10s",
    drain: Annotated[
        str, typer.Option(envvar="CEPD_DRAIN", help="How long SIGTERM waits for messages that are on their way.")
    ] = "10s",
    retain: Annotated[
        str, typer.Option(envvar="CEPD_RETAIN", help="How long the journal keeps what only cepd record needs.")
    ] = "0s",
    journal_limit: Annotated[
        str,
        typer.Option(
            envvar="CEPD_JOURNAL_LIMIT",
            help="From this size of the journal on intake answers 503; it grows while the store is away. "
            "At least 128MiB.",
        ),
    ] = "16GiB",
    snapshot_interval: Annotated[
        str, typer.Option(envvar="CEPD_SNAPSHOT_INTERVAL", help="The least time between two snapshots.")
    ] = "30s",
    log_format: Annotated[
        LogFormat, typer.Option(envvar="CEPD_LOG_FORMAT", help="auto: text on a terminal, else JSON lines.")
    ] = LogFormat.auto,
) -> None:
    """Watch a folder of rules, take in events, deliver alerts.

    SIGHUP reads the folder again, SIGTERM ends in good order.

    \b
    Examples:
      cepd run examples
      cepd run /git/current --store postgresql://cepd@db.example.com/cepd
      cepd run /git/current --data-dir /var/lib/cepd --listen 0.0.0.0:8080 --tokens /etc/cepd/tokens.yaml
    """
    from cepd.wiring import RunOptions, run_daemon

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise StartError(f"--listen {listen!r} is not an address", help="write host:port, such as 127.0.0.1:8080")
    raise typer.Exit(
        run_daemon(
            RunOptions(
                root=root,
                data_dir=data_dir,
                store=store,
                host=host.strip("[]"),
                port=int(port),
                tokens=tokens,
                poll_interval=parse_duration(poll_interval),
                drain=parse_duration(drain),
                snapshot_interval=parse_duration(snapshot_interval),
                retain=parse_duration(retain),
                journal_limit=parse_size(journal_limit),
                log_format=log_format.value,
            )
        )
    )
