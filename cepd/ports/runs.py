"""Port of rules that run because somebody asks for it: a person, or an action of another rule."""

from typing import Protocol

from cepd.model.duration import Span
from cepd.model.execution import Asked, Execution


class Runs(Protocol):
    async def run(self, asked: Asked, within: Span) -> Execution:
        """Runs a rule once, however often the same is asked for, restarts included; waits at most `within` for the
        first try of each of its actions, and then tells how it stands: `pending`.

        NotFoundError where there is no such rule, InputError where it does not run or the chain is too deep,
        ConflictError where its id stands for another run, RetryLaterError where the journal takes nothing: then it
        does not run."""

    async def keep(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        """What a delivery of several steps has done so far is on disk when it returns; it waits for a store that is
        away. ConflictError where somebody else has taken the delivery over."""
