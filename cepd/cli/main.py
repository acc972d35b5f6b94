"""The command `cepd`: its verbs, its exit codes, and what it does with errors.

Exit codes of every verb: 0 fine; 1 findings, or refused by a daemon; 2 usage, or nothing matched; 3 only warnings with
`--strict`; 70 a fault of cepd itself. Findings go to stdout, all else to stderr.
"""

import os
import re
import sys
import traceback
from typing import Any

import typer

from cepd.cli import deliveries, demo, explain, fmt, record, schema, simulate, test, validate, version
from cepd.cli import run as daemon
from cepd.cli.console import complain
from cepd.cli.exits import FAULT, NOTHING
from cepd.model.errors import CepdError, StartError
from cepd.model.spelling import closest

app = typer.Typer(
    name="cepd",
    help="Rules in git, exact event processing, alerts that are never lost.",
    epilog="Start with: cepd demo. In CI: cepd validate && cepd simulate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("validate")(validate.validate)
app.command("simulate")(simulate.simulate)
app.command("test")(test.run_tests)
app.command("run")(daemon.run)
app.command("record")(record.record)
app.add_typer(deliveries.app, name="deliveries")
app.command("fmt")(fmt.fmt)
app.command("explain")(explain.explain)
app.command("schema")(schema.schema)
app.command("demo")(demo.demo)
app.command("version")(version.version)

# What Kubernetes sets in each pod for a service that is called cepd.
_INJECTED = re.compile(r"CEPD_SERVICE_.*|CEPD_PORT(_.*)?")


def run() -> None:
    """The console script."""
    try:
        refuse_unknown_environment(os.environ)
        app()
    except CepdError as error:
        complain(error)
        raise SystemExit(NOTHING) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(NOTHING) from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        complain(StartError(f"cannot go on: {place}{error.strerror or error}"))
        raise SystemExit(NOTHING) from None
    except Exception:  # noqa: BLE001  the last door: a fault of ours is told as one, with its exit code
        traceback.print_exc()
        typer.echo("this is a fault of cepd itself; please report it with the lines above", err=True)
        raise SystemExit(FAULT) from None


def refuse_unknown_environment(environment: Any) -> None:
    """A misspelt setting must not be ignored. Raises StartError naming the variable and the nearest one."""
    names = [name for name in environment if name.startswith("CEPD_") and not _INJECTED.fullmatch(name)]
    if not names:
        return
    known = known_environment()
    for name in sorted(names):
        if name not in known:
            near = closest(name, known)
            hint = f"did you mean {near}?" if near else f"known are {', '.join(sorted(known))}"
            raise StartError(f"the environment sets {name}, which cepd does not know", help=hint)


def known_environment() -> set[str]:
    """Every variable that some option of some verb reads."""
    found: set[str] = set()
    waiting: list[Any] = [typer.main.get_command(app)]
    while waiting:
        command = waiting.pop()
        waiting.extend(getattr(command, "commands", {}).values())
        for parameter in command.params:
            names = parameter.envvar or ()
            found.update([names] if isinstance(names, str) else names)
    return found
