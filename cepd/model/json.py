"""The one name for decoded JSON. What an event carries is untyped; everything else in cepd is not."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
