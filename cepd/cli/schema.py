"""`cepd schema`: the JSON Schemas of what people write, bundled for editors."""

from pathlib import Path
from typing import Annotated

import typer

from cepd.cli.console import note, say, say_json
from cepd.model.errors import StartError


def schema(
    kind: Annotated[str | None, typer.Argument(help="One of rulepack, channel, ruletest, settings; none: all.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write every schema into this folder.", show_default=False)] = None,
) -> None:
    """Print the JSON Schema of a kind of document, or write all of them for an editor.

    \b
    Examples:
      cepd schema rulepack
      cepd schema --out .cepd/schemas
    """
    from cepd.config.schemas import KINDS, schema_for

    if out is not None:
        import json

        out.mkdir(parents=True, exist_ok=True)
        for name in KINDS:
            path = out / f"{name}.schema.json"
            path.write_text(json.dumps(schema_for(name), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            note(f"wrote {path}")
    elif kind is None:
        for name in KINDS:
            say(name)
    elif kind.lower() in KINDS:
        say_json(schema_for(kind.lower()))
    else:
        raise StartError(f"there is no schema {kind!r}", help=f"known are {', '.join(KINDS)}")
