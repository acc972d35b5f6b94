"""Ports of what actions and channels reach the world with, and of actions and channels themselves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from cepd.model.alert import Alert
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Delivery, Draft, Outcome
from cepd.model.duration import Span
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.message import Message
from cepd.model.secret import SecretRef
from cepd.ports.journal import Clock
from cepd.ports.runs import Runs


class Secrets(Protocol):
    def read(self, reference: SecretRef) -> str:
        """The value now; RefusedError (never with the value) where it cannot be read."""

    def redact(self, text: str) -> str:
        """The text with every secret that was ever read replaced by `***`."""


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """The first 64 KiB."""
    whole: bool = True
    """False where the body went on: past 64 KiB, past the deadline, or until the connection broke."""


class HttpError(Exception):
    """No answer. `sent`: the request may have arrived, so its outcome is unknown."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.sent = sent


class HttpClient(Protocol):
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        deadline: Span,
        allow: Sequence[str] = (),
        allow_private: bool = False,
    ) -> HttpResponse:
        """One call within `deadline` as a whole, without redirects. `allow` lists host, host:port or CIDR that may be
        private; else RefusedError for private, loopback, link-local and metadata addresses, decided on the address
        that is connected to. HttpError where no answer came."""


class Channel(Protocol):
    def render(self, message: Message) -> bytes:
        """The exact bytes that will be stored and sent. Pure."""

    async def send(self, delivery_id: str, body: bytes) -> Outcome:
        """One try. Never raises for what a receiver does."""


def _no_action(kind: str) -> "ActionModule":
    raise KeyError(kind)


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """The channels of one generation, and the actions."""

    specs: Mapping[str, ChannelSpec]
    connected: Mapping[str, Channel]
    """Those whose type cepd can send to."""
    actions: Callable[[str], "ActionModule"] = _no_action
    """The module of a type of action. KeyError where there is none."""


class Shelf(Protocol):
    async def keep(self, name: str, line_id: str, line: bytes, *, again: bool) -> bool:
        """Appends a line, which begins with its id, to the file of that name, on disk when it returns. `again`: it may
        be there already; False where it is. InputError for a name that is none, RetryLaterError where the disk
        refuses."""


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What actions and channels of one generation may use to reach the world."""

    http: HttpClient
    secrets: Secrets
    clock: Clock
    egress: Sequence[str]
    runs: Runs
    shelf: Shelf | None = None
    """Files in the data directory; None where there is none."""


Plan: TypeAlias = Callable[[Firing, Alert, Mapping[str, Json]], list[Draft]]
"""(firing, alert, template names) to what the action owes. Pure: no clock, no secret, no I/O."""


class ActionModule(Protocol):
    """A module of `cepd.actions`; its name is the type's name."""

    def prepare(self, definition: Definition, index: int, directory: Directory) -> Plan:
        """Compiles the action number `index` of a rule."""

    async def perform(self, delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
        """One try. Never raises for what a receiver does."""


class ChannelModule(Protocol):
    """A module of `cepd.channels`; its name is the type's name."""

    def connect(self, spec: ChannelSpec, tools: Tools) -> Channel: ...
