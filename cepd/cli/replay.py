"""A recording of a daemon's journal, replayed: under the rules of a tree, or under those that ran."""

from collections.abc import Iterator
from pathlib import Path

from cepd.cli.console import note
from cepd.config.load import load
from cepd.config.tree import Tree
from cepd.engine.program import Program, compile_program
from cepd.model.errors import InputError, StartError
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.plugins import built
from cepd.runtime.recording import Header, Item, KeptGeneration, read_header, read_items
from cepd.runtime.replay import rows_of
from cepd.runtime.simulate import Simulation


class Replay:
    """`definitions` are the rules that ran last, by id; with `as_recorded` they change with the swaps."""

    def __init__(self, simulation: Simulation, definitions: dict[str, Definition], *, as_recorded: bool) -> None:
        self.definitions = definitions
        self._simulation = simulation
        self._as_recorded = as_recorded

    def run(self, first: bytes, lines: Iterator[bytes]) -> Iterator[Firing]:
        """`first` is the header's line. Raises StartError where the recording cannot be replayed so."""
        header, items = read_header(first), read_items(lines)
        kept: dict[str, KeptGeneration] = {}
        if header.begins == "snapshot":
            self._begin(header, items, kept)
        elif header.begins == "middle":
            self._warn()
        compile = self._compile if self._as_recorded else None
        yield from self._simulation.replay(rows_of(items, self._simulation.program, kept, compile))

    def _begin(self, header: Header, items: Iterator[Item], kept: dict[str, KeptGeneration]) -> None:
        before = compile_program(())
        if header.generation:
            generation = next(items, None)
            if not isinstance(generation, KeptGeneration) or generation.digest != header.generation:
                raise StartError("the recording does not hold the rules that it begins with", help="record it again")
            kept[generation.digest] = generation
            before = self._compile(generation, None) if self._as_recorded else _program(_loaded(generation), None)
        then = before if self._as_recorded else self._simulation.program
        try:
            self._simulation.begin_from(header.engine, header.clock, before, then)
        except InputError as error:
            raise StartError(
                f"the recording begins with a state that this cepd cannot read: {error.message}",
                help=f"simulate with the version that recorded it: {header.version}",
            ) from None

    def _warn(self) -> None:
        if self._as_recorded:
            raise StartError(
                "the recording begins in the middle, and does not say which rules ran then",
                help="leave out --as-recorded, or record without --since",
            )
        note("the recording begins in the middle: windows, holds and suppression that were open then are not known")

    def _compile(self, kept: KeptGeneration, previous: Program | None) -> Program:
        loaded = _loaded(kept)
        self.definitions = {definition.rule.id: definition for definition in loaded[0]}
        return _program(loaded, previous)


def _loaded(kept: KeptGeneration) -> tuple[tuple[Definition, ...], int]:
    """Its definitions and its lateness."""
    generation = load(Tree(root=Path("."), files=kept.files), built())
    return generation.definitions, generation.settings.lateness


def _program(loaded: tuple[tuple[Definition, ...], int], previous: Program | None) -> Program:
    definitions, lateness = loaded
    return compile_program([found.rule for found in definitions if found.active], previous, lateness=lateness)
