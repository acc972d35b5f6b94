"""What a changed tree means for the rules that run: a pure decision.

All files are checked. A file with an error keeps its last good content, or is left out where it never was good, and
the rest goes on if the whole still fits together; otherwise nothing changes. A missing or empty tree changes nothing.
Files with errors of their own are replaced first: only what then is left of errors between files is one.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec

from cepd.config.tree import SETTINGS_FILE, Tree, digest_of, ignored_by
from cepd.model.generation import Generation, SourceFile
from cepd.model.problem import Problem

Outcome: TypeAlias = Literal["applied", "unchanged", "partial", "refused", "missing"]
"""applied: the tree runs as it stands, and is new. unchanged: it ran already. partial: some of its files run with
their last good content, or not at all. refused: it does not fit together, and what ran goes on. missing: there is
no tree, or nothing in it, and what ran goes on.
"""

_REFERENCES = "CEP2"
"""How the codes of errors between files begin."""

FITS: frozenset[Outcome] = frozenset({"applied", "unchanged"})


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`generation` is what to run from now on, made of `files`; None where nothing changes."""

    outcome: Outcome
    generation: Generation | None
    files: Mapping[str, bytes]
    """What runs after this decision."""
    statuses: tuple[SourceFile, ...]
    problems: tuple[Problem, ...]


def reconcile(tree: Tree, last: Mapping[str, bytes], load: Callable[[Tree], Generation]) -> Decision:
    """`last` holds the files that run now, empty before the first generation. `load` is pure, and never raises for
    what files say."""
    if not tree.files:
        return _nothing_changes("missing", tree, last, tree.problems or (_missing(tree),))
    hidden: Callable[[str], bool] = _nothing
    if SETTINGS_FILE in last and _settings_fall(tree, load):
        hidden = ignored_by(tree.files.get(SETTINGS_FILE, b""))
        tree = _as_seen_by(last[SETTINGS_FILE], tree)
    kept = (path for path in last if path not in tree.files and (hidden(path) or _unreadable(path, tree)))
    files = {**tree.files, **{path: last[path] for path in kept}}
    fallen = {problem.file for problem in tree.problems}
    problems = dict.fromkeys(tree.problems)
    generation = load(_with(tree, files))
    while (bad := _to_replace(generation)) and not bad & fallen:
        fallen |= bad
        problems |= dict.fromkeys(problem for problem in generation.problems if problem.file in bad)
        sound = {path: content for path, content in files.items() if path not in bad}
        files = sound | {path: last[path] for path in bad if path in last}
        generation = load(_with(tree, files))
    problems |= dict.fromkeys(_left(generation, fallen))
    if bad or not files:
        return _nothing_changes("refused", tree, last, tuple(problems))
    statuses = _statuses(tree, files)
    fits = all(file.status == "active" for file in statuses)
    changed = digest_of(files) != digest_of(last)
    return Decision(
        outcome="partial" if not fits else "applied" if changed else "unchanged",
        generation=msgspec.structs.replace(generation, files=statuses, problems=tuple(problems)) if changed else None,
        files=files,
        statuses=statuses,
        problems=tuple(problems),
    )


def _nothing_changes(
    outcome: Literal["missing", "refused"], tree: Tree, last: Mapping[str, bytes], problems: tuple[Problem, ...]
) -> Decision:
    return Decision(outcome=outcome, generation=None, files=last, statuses=_statuses(tree, last), problems=problems)


def _with(tree: Tree, files: Mapping[str, bytes]) -> Tree:
    return Tree(root=tree.root, files={path: files[path] for path in sorted(files)})


def _unreadable(path: str, tree: Tree) -> bool:
    """Whether a file that ran is hidden by a file or folder that cannot be read now: that is no deletion."""
    places = {problem.file for problem in tree.problems}
    return any(place in (path, ".") or path.startswith(place + "/") for place in places)


def _nothing(path: str) -> bool:
    return False


def _settings_fall(tree: Tree, load: Callable[[Tree], Generation]) -> bool:
    """Whether the settings are not to be used as they stand."""
    if SETTINGS_FILE not in tree.files:
        return _unreadable(SETTINGS_FILE, tree)
    alone = load(_with(tree, {SETTINGS_FILE: tree.files[SETTINGS_FILE]}))
    return any(problem.severity == "error" and not _is_reference(problem) for problem in alone.problems)


def _as_seen_by(settings: bytes, tree: Tree) -> Tree:
    """Without what these settings ignore. What they show and others hid is not in the tree, and cannot come back."""
    ignored = ignored_by(settings)
    return msgspec.structs.replace(
        tree,
        files={path: content for path, content in tree.files.items() if not ignored(path)},
        problems=tuple(problem for problem in tree.problems if not ignored(problem.file)),
    )


def _to_replace(generation: Generation) -> set[str]:
    """The files with errors of their own; where there are none, those whose references lead nowhere."""
    errors = [problem for problem in generation.problems if problem.severity == "error"]
    own = {problem.file for problem in errors if not _is_reference(problem)}
    return own or {problem.file for problem in errors}


def _is_reference(problem: Problem) -> bool:
    return problem.code.startswith(_REFERENCES)


def _left(generation: Generation, fallen: set[str]) -> Iterator[Problem]:
    """What is wrong in a mixture of new and last good files. Positions in a last good file mean nothing to its reader
    now, and neither does what is no error there."""
    for problem in generation.problems:
        if problem.file not in fallen:
            yield problem
            continue
        if problem.severity != "error":
            continue
        message = f"its last good content does not fit the other files: {problem.message}"
        yield msgspec.structs.replace(problem, message=message, line=0, column=0, end_line=0, end_column=0)


def _statuses(tree: Tree, running: Mapping[str, bytes]) -> tuple[SourceFile, ...]:
    paths = {*tree.files, *running, *(problem.file for problem in tree.problems)}
    return tuple(_status(path, tree.files.get(path), running.get(path)) for path in sorted(paths))


def _status(path: str, found: bytes | None, running: bytes | None) -> SourceFile:
    """The digest is that of the content that runs, else of the rejected one; empty where it could not be read."""
    if running is None:
        return SourceFile(path=path, digest=_digest(found) if found is not None else "", status="rejected")
    return SourceFile(path=path, digest=_digest(running), status="active" if running == found else "last_good")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _missing(tree: Tree) -> Problem:
    return Problem(
        code="CEP010",
        severity="error",
        message=f"the folder {tree.root} is not there, or holds no YAML or JSON file",
        help="what ran goes on; to stop all rules, disable them or keep one file without rules",
        file="",
    )
