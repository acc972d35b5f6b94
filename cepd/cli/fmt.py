"""`cepd fmt`: rules of the documents' dialect as canonical YAML. Canonical files are never touched."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cepd.cli.console import colours, note, say
from cepd.cli.exits import FINDINGS, NOTHING
from cepd.cli.trees import roots_of, under
from cepd.model.errors import InputError, StartError

_FORM = ("CEP0", "CEP1")
"""Codes of files that cannot be read: YAML and schema. What a file refers to does not matter for its form."""


class Found(msgspec.Struct, frozen=True):
    """One file. `canonical` is its canonical text where it is not in canonical form, None where it is."""

    path: Path
    data: bytes
    named: bool
    canonical: str | None = None
    faults: tuple[str, ...] = ()
    """Why it is left as it is, for people."""


def fmt(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files; default: the current folder.", show_default=False)
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write NAME.yaml in place of each such file, and remove NAME.json.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 and name the files that would change.")
    ] = False,
) -> None:
    """Print rules of the documents' dialect (bare rules, often JSON) as canonical YAML.

    Canonical files are left as they are, byte for byte; one that is named is printed as it stands. A file with an
    error is reported and left.

    \b
    Examples:
      cepd fmt rule.json
      cepd fmt --write rules/
      cepd fmt --check
    """
    if write and check:
        raise StartError("--write changes files and --check does not", help="give one of them")
    found = [one for root, names in roots_of(paths or [Path(".")]).items() for one in _find(root, names)]
    if not found:
        note("nothing to format: no *.yaml, *.yml or *.json file under the given paths")
        raise typer.Exit(NOTHING)
    changes = [one for one in found if one.canonical is not None]
    faults = [fault for one in found for fault in one.faults]
    if check:
        for one in changes:
            say(str(one.path))
    elif write:
        faults += [fault for one in changes if (fault := _rewritten(one))]
    else:
        _print(found)
    for fault in faults:
        note(fault)
    if faults or (check and changes):
        raise typer.Exit(FINDINGS)


def canonical_text(name: str, data: bytes) -> str | None:
    """The canonical YAML of a file's bare rules; None where it holds none. The file has no error of its own.

    InputError where other documents stand beside them.
    """
    from cepd.config.canonical import to_yaml
    from cepd.config.dialect import is_dialect, translate
    from cepd.config.parse import parse

    documents = [document.data for document in parse(name, data).documents]
    forms = {is_dialect(document) for document in documents}
    if "rule" not in forms:
        return None
    if len(forms) > 1:
        raise InputError(
            f"{name} holds bare rules beside other documents", help="move the bare rules to files of their own"
        )
    stem = Path(name).stem
    return "---\n".join(to_yaml(translate(document, stem).document) for document in documents)


def rewrite(found: Found) -> Path:
    """Puts the canonical text in place of a file, under the ending .yaml. InputError where it cannot."""
    assert found.canonical is not None
    target = found.path.with_suffix(".yaml")
    if target != found.path and target.exists():
        raise InputError(f"{target} is there already", help=f"move it away, or remove {found.path}")
    draft = target.with_name(f".{target.name}.tmp")
    try:
        draft.write_text(found.canonical, encoding="utf-8", newline="\n")
        draft.chmod(found.path.stat().st_mode)
        draft.replace(target)
        if target != found.path:
            found.path.unlink()
    except OSError as error:
        with suppress(OSError):  # what is left of the draft is hidden, and the fault below is the one to mend
            draft.unlink()
        raise InputError(
            f"cannot write {target}: {error.strerror}", help="mend the permissions of its folder"
        ) from None
    return target


def _rewritten(found: Found) -> str | None:
    """Rewrites and says so; the fault where that failed."""
    try:
        note(f"{found.path} -> {rewrite(found)}")
    except InputError as error:
        return _fault(error)
    return None


def _fault(error: InputError) -> str:
    return f"error: {error.message}\n   help: {error.help}"


def _find(root: Path, wanted: list[str]) -> Iterator[Found]:
    from cepd.config.load import load
    from cepd.config.render import render_text
    from cepd.config.tree import read_tree
    from cepd.plugins import built

    tree = read_tree(root)
    faults: dict[str, list[str]] = {}
    for problem in load(tree, built()).problems:
        if problem.severity == "error" and problem.code.startswith(_FORM):
            faults.setdefault(problem.file, []).append(render_text(problem, tree, colour=colours(sys.stderr)))
    for name in sorted({*tree.files, *faults}):
        if under(name, wanted):
            yield _read(root / name, name, tree.files.get(name, b""), name in wanted, tuple(faults.get(name, ())))


def _read(path: Path, name: str, data: bytes, named: bool, faults: tuple[str, ...]) -> Found:
    if faults:
        return Found(path, data, named, faults=faults)
    try:
        return Found(path, data, named, canonical_text(name, data))
    except InputError as error:
        return Found(path, data, named, faults=(_fault(error),))


def _print(found: list[Found]) -> None:
    shown = [one for one in found if one.canonical is not None or (one.named and not one.faults)]
    for one in shown:
        if len(shown) > 1:
            say(f"--- # {one.path}")
        text = one.data if one.canonical is None else one.canonical.encode()
        typer.echo(text, nl=len(shown) > 1 and not text.endswith(b"\n"))
    left = sum(not one.faults for one in found) - len(shown)
    if left:
        note(f"{left} canonical files are left as they are")
