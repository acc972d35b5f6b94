"""Which plugin types can run: everything that `cepd.config` knows of plugins. Nothing is imported for it."""

import msgspec


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """Names of types. A type that has a schema and is not in here is known and cannot run yet."""

    actions: frozenset[str]
    channels: frozenset[str]
