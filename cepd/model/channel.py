"""A notification channel, as written: what all channels share, and the options that its type owns."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cepd.model.duration import Span
from cepd.model.terms import Terms


class ChannelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`options` holds the fields of the channel's type; its module owns and checks them."""

    name: str
    type: str
    options: Mapping[str, Any]
    default: bool = False
    terms: Terms = Terms()
    allow_private: bool = False
    fallback: str | None = None
    """A reference to the channel that takes over."""

    @property
    def timeout(self) -> Span:
        return self.terms.timeout


def find_channel(channels: Mapping[str, ChannelSpec], reference: str) -> ChannelSpec | None:
    """The channel a reference means: its name; else a type, in any case, that one channel (or one default) has."""
    if reference in channels:
        return channels[reference]
    of_type = [spec for spec in channels.values() if spec.type == reference.lower()]
    chosen = of_type if len(of_type) == 1 else [spec for spec in of_type if spec.default]
    return chosen[0] if len(chosen) == 1 else None
