"""`cepd deliveries`: what a running daemon owes, what became of it, and how to send again what went wrong."""

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cepd.cli.console import complain, counted, note, say, say_json
from cepd.cli.exits import FINDINGS
from cepd.cli.remote import DEFAULT_URL, Remote, Token, Url, call, remote_of
from cepd.model.errors import ConflictError, NotFoundError, StartError

app = typer.Typer(
    help="Look at what a daemon owes, send again what went wrong, or drop it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Format(StrEnum):
    text = "text"
    json = "json"


Formatted = Annotated[Format, typer.Option("--format", help="How to print what there is.")]
Target = Annotated[
    str | None, typer.Option("--target", help="A channel, or method and host of an endpoint.", show_default=False)
]
RuleId = Annotated[str | None, typer.Option("--rule", help="The id of a rule.", show_default=False)]
By = Annotated[
    str | None, typer.Option("--by", help="Who does it, where that is not the token's name.", show_default=False)
]


@app.command("list")
def list_deliveries(
    state: Annotated[
        str | None,
        typer.Option(
            help="pending, sending, sent, dead, unknown, superseded, suppressed or expired.", show_default=False
        ),
    ] = None,
    target: Target = None,
    rule: RuleId = None,
    event: Annotated[str | None, typer.Option(help="The id of an alert.", show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", help="Owed since then or later.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--to", help="Owed since before.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many, up to 1,000.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.", show_default=False)] = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    format: Formatted = Format.text,
) -> None:
    """List deliveries, newest first.

    \b
    Examples:
      cepd deliveries list --state dead
      cepd deliveries list --target ops-slack --from 2026-01-31T09:00:00Z --format json
    """
    from cepd.cli.delivery_texts import table

    asked = {"state": state, "target": target, "rule_id": rule, "event_id": event, "from": since, "to": until}
    found = call(remote_of(url, token), "GET", "/cep/deliveries", params={**asked, "limit": limit, "cursor": cursor})
    if format is Format.json:
        say_json(found)
        return
    if not found["deliveries"]:
        note("no delivery is like that" if any(asked.values()) else "no deliveries")
        return
    for line in table(found["deliveries"]):
        say(line)
    if found["next_cursor"]:
        note(f"there are more: --cursor {found['next_cursor']}")


@app.command("show")
def show_delivery(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="The delivery's id.")],
    url: Url = DEFAULT_URL,
    token: Token = None,
    format: Formatted = Format.text,
) -> None:
    """Show one delivery with its tries and what it sends, without secrets.

    \b
    Examples:
      cepd deliveries show 9b2f6e0d5c1f4a7e8d3b6c5a4f3e2d1c
    """
    from cepd.cli.delivery_texts import whole

    try:
        found = call(remote_of(url, token), "GET", _path(delivery_id))
    except NotFoundError as error:
        complain(error)
        raise typer.Exit(FINDINGS) from None
    if format is Format.json:
        say_json(found)
        return
    for line in whole(found):
        say(line)


@app.command("redrive")
def redrive(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Which.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="All in the state, oldest first.")] = False,
    state: Annotated[
        str | None, typer.Option(help="With --all: dead, unknown or expired.  [default: dead]", show_default=False)
    ] = None,
    target: Target = None,
    rule: RuleId = None,
    most: Annotated[
        int | None, typer.Option("--max", help="With --all: at most so many.  [default: 100]", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --all: only tell which.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --all: do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what a later message has overtaken.")] = False,
    by: By = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    format: Formatted = Format.text,
) -> None:
    """Send again what is dead, unknown or expired, at once and under the same id.

    A message that a later one of the same rule and key has overtaken is left, where one of the two tells of an end:
    it would tell the past. --force sends it all the same. Exit code 1: something was left.

    \b
    Examples:
      cepd deliveries redrive 9b2f6e0d5c1f4a7e8d3b6c5a4f3e2d1c
      cepd deliveries redrive --all --target ops-slack --dry-run
      cepd deliveries redrive --all --state unknown --rule cpu-high --yes
    """
    remote = remote_of(url, token)
    chosen = {"state": state, "target": target, "rule_id": rule}
    if every == bool(ids):
        raise StartError("give the ids of deliveries, or --all", help="`cepd deliveries list --state dead` lists them")
    if ids:
        _only_with_all(**chosen, max=most, dry_run=dry_run, yes=yes)
        body = {"force": force, **({"by": by} if by else {})}
        _each(
            remote, ids, "redrive", body, format, lambda found: f"{found['delivery_id']} goes out to {found['target']}"
        )
        return
    given = {name: value for name, value in {"max": most, "by": by}.items() if value is not None}
    body = {"filter": {name: value for name, value in chosen.items() if value is not None}, "force": force, **given}
    if not dry_run and not yes:
        _ask(remote, body)
    done = call(remote, "POST", "/cep/deliveries/redrive", body={**body, "dry_run": dry_run})
    if format is Format.json:
        say_json(done)
    else:
        _tell(done)
    if done["overtaken"]:
        raise typer.Exit(FINDINGS)


@app.command("drop")
def drop(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Which.")],
    reason: Annotated[str | None, typer.Option("--note", help="Why, for those who look later.")] = None,
    by: By = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    format: Formatted = Format.text,
) -> None:
    """Give up what is pending, dead, unknown or expired, for good: it cannot be sent again.

    \b
    Examples:
      cepd deliveries drop 9b2f6e0d5c1f4a7e8d3b6c5a4f3e2d1c --note "told by phone"
    """
    body = {name: value for name, value in {"note": reason, "by": by}.items() if value is not None}
    remote = remote_of(url, token)
    _each(remote, ids, "drop", body, format, lambda found: f"{found['delivery_id']} is dropped")


def _path(delivery_id: str, *more: str) -> str:
    return "/".join(("/cep/deliveries", quote(delivery_id, safe=""), *more))


def _only_with_all(**options: Any) -> None:
    for name, value in options.items():
        if value:
            option = {"rule_id": "rule"}.get(name, name).replace("_", "-")
            raise StartError(f"--{option} goes with --all", help="ids say by themselves which deliveries are meant")


def _each(
    remote: Remote, ids: Sequence[str], what: str, body: Any, format: Format, words: Callable[[dict[str, Any]], str]
) -> None:
    """One after the other; what is refused does not keep the others back, and ends with 1."""
    done: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for delivery_id in ids:
        try:
            found = call(remote, "POST", _path(delivery_id, what), body=body)
        except (NotFoundError, ConflictError) as error:
            refused.append({"delivery_id": delivery_id, "detail": error.message, "help": error.help})
            if format is Format.text:
                complain(error)
        else:
            done.append(found)
            if format is Format.text:
                say(words(found))
    if format is Format.json:
        say_json({"deliveries": done, "refused": refused})
    if refused:
        raise typer.Exit(FINDINGS)


def _ask(remote: Remote, body: dict[str, Any]) -> None:
    """Exits where the answer is no. StartError where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise StartError("--all asks before it sends", help="give --yes, or --dry-run to only look")
    looked = call(remote, "POST", "/cep/deliveries/redrive", body={**body, "dry_run": True})
    if not looked["deliveries"]:
        return
    targets = sorted({str(one["target"]) for one in looked["deliveries"]})
    asked = f"Send {counted(len(looked['deliveries']), 'message')} again, to {', '.join(targets)}?"
    if not typer.confirm(asked, err=True):
        note("nothing was sent")
        raise typer.Exit


def _tell(done: dict[str, Any]) -> None:
    from cepd.cli.delivery_texts import short

    for one in done["deliveries"]:
        say(f"{'would go out' if done['dry_run'] else 'goes out'}: {short(one)}")
    for one in done["overtaken"]:
        say(f"left: {short(one)}, as {one['overtaken_by']} came later and went out, or may have")
    if not done["deliveries"] and not done["overtaken"]:
        note("there is nothing to send again")
    if done["more"]:
        note("there are more: the same again, or a larger --max")
