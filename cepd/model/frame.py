"""A frame: one row of the journal. The journal is the engine's only input and fixes its order."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.instant import Instant

FrameKind: TypeAlias = Literal["batch", "target", "tick", "swap", "resume", "reset", "disable", "enable"]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """batch: `body` holds accepted lines, one event each, joined by newlines. target: `body` is one event for
    `rule_id` alone, which somebody asked to run. tick: nothing but its clock. swap: `digest` names the generation that
    runs from here on. resume: the daemon started again. reset: `body` is the text of a key whose anomaly baseline
    `rule_id` forgets. disable: `body` says as JSON until when, by whom and why `rule_id` is disabled. enable: that is
    over early.
    """

    seq: int
    clock: Instant
    kind: FrameKind
    input: str = ""
    """Which input the events came through; watermarks are kept per input."""
    source: str = ""
    """The source of events that name none."""
    first: int = 0
    """The running number, over the journal, of the first event."""
    origin: str = ""
    """The journal's id when the frame was written; with the running number the identity of an event without an id."""
    count: int = 0
    """Events in the body."""
    rule_id: str = ""
    run: str = ""
    """Of a target: the id of the execution, which is the event's id too."""
    by: str = ""
    """Of a target: who asked for it."""
    depth: int = 0
    """Of a target: links of the chain of rules that led to it."""
    digest: str = ""
    body: bytes = b""
