"""Every error of cepd, one tree, shaped by what the caller does next.

    CepdError
    ├── InputError             reject the input and tell its sender; everything else goes on
    │   ├── ExpressionError    … at an offset of a one-line expression
    │   │   └── ConditionError … or at a place of a structured condition
    │   ├── TemplateError      … at a line and column of a template
    │   ├── TooLargeError      … it is over a limit (413)
    │   ├── NotFoundError      … it names what does not exist (404)
    │   ├── GoneError          … it names what is over for good (410)
    │   └── ConflictError      … somebody else holds it, or it is not in a state for that (409)
    │       └── HeldError      … and says who
    ├── RetryLaterError        nothing is wrong with the input: the same call works later (503)
    │   └── OverloadedError    … and its sender is too fast (429)
    ├── RefusedError           a rule of safety forbids it, now and later: egress, roles
    └── StartError             the daemon or a command cannot begin: usage, locks, addresses (exit 2)

Anything else that is raised is a bug of cepd and is shown as one (exit 70, HTTP 500).
"""

from collections.abc import Sequence
from typing import Literal


class CepdError(Exception):
    """What went wrong, in words for the person who can mend it."""

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class InputError(CepdError):
    """The input is wrong. Reject it, say why, go on. `others` are further faults found beside this one."""

    others: "tuple[InputError, ...]" = ()


class ExpressionError(InputError):
    """A one-line expression is wrong between two 0-based offsets (in code points) of its text."""

    def __init__(self, message: str, *, offset: int = 0, end: int | None = None, help: str = "") -> None:
        super().__init__(message, help=help)
        self.offset = offset
        self.end = offset + 1 if end is None else end


class ConditionError(ExpressionError):
    """A condition in a document is wrong. `pointer` is the JSON pointer to the place in that document, and `at` says
    what of it is meant: its key, its value, or, where the value is an expression, the text between the offsets.
    """

    def __init__(
        self,
        message: str,
        *,
        pointer: str,
        at: Literal["key", "value", "text"] = "value",
        offset: int = 0,
        end: int | None = None,
        help: str = "",
    ) -> None:
        super().__init__(message, offset=offset, end=end, help=help)
        self.pointer = pointer
        self.at = at


class TemplateError(InputError):
    """A template does not compile, or failed to render. `offset` is 0-based in its text, None where unknown;
    `pointer` is the JSON pointer to that text in the document it stands in."""

    def __init__(self, message: str, *, offset: int | None = None, pointer: str = "", help: str = "") -> None:
        super().__init__(message, help=help)
        self.offset = offset
        self.pointer = pointer


def raise_all(faults: Sequence[InputError]) -> None:
    """Raises the first fault, with all others beside it; returns where there is none."""
    if faults:
        first, *others = [one for fault in faults for one in (fault, *fault.others)]
        first.others = tuple(others)
        raise first


class TooLargeError(InputError):
    """The input is over a stated limit."""


class NotFoundError(InputError):
    """The input names something that does not exist."""


class GoneError(InputError):
    """What the input names is over, and nothing of the kind can be done to it any more."""


class ConflictError(InputError):
    """Somebody else holds what the input asks for, or it is not in a state for that."""


class HeldError(ConflictError):
    """`holder` has had it `since` that many microseconds after the epoch."""

    def __init__(self, message: str, *, holder: str, since: int, help: str = "") -> None:
        super().__init__(message, help=help)
        self.holder = holder
        self.since = since


class RetryLaterError(CepdError):
    """Nothing is wrong with the call; it works later. `after` is in seconds."""

    def __init__(self, message: str, *, after: float = 1.0, help: str = "") -> None:
        super().__init__(message, help=help)
        self.after = after


class OverloadedError(RetryLaterError):
    """More comes in than is worked off: the sender should slow down."""


class RefusedError(CepdError):
    """Forbidden by a rule of safety: no retry will change that."""


class StartError(CepdError):
    """A command or the daemon cannot begin."""
