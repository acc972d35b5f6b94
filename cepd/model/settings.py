"""The settings of a tree: `cepd.yaml` at its root."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cepd.model.duration import HOUR, SECOND, Span
from cepd.model.retention import Retention


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    ignore: tuple[str, ...] = ()
    """Paths, relative to the root, in .gitignore's simplest form: names and `*` patterns."""
    lateness: Span = 5 * SECOND
    ack_sla: Span = HOUR
    """How long an open alert may wait for an acknowledgement."""
    metrics_base_url: str | None = None
    egress: tuple[str, ...] = ()
    """host, host:port or CIDR outside the public internet that actions may reach."""
    operators_channel: str | None = None
    retention: Retention = Retention()
    lint: Mapping[str, Any] = msgspec.field(default_factory=dict)
    noise: Mapping[str, Any] = msgspec.field(default_factory=dict)
    gates: Mapping[str, Any] = msgspec.field(default_factory=dict)
