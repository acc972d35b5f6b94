"""Which plugin types exist: by the file names of their packages and by entry points, without importing any.

A new action or channel is a new module; there is no list to add it to. A module is imported when it is used.
"""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from cepd.config.catalog import Catalog

KINDS = ("actions", "channels")


@cache
def _outside(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"cepd.{kind}")}


@cache
def names(kind: str) -> frozenset[str]:
    """The types of a kind that can run: cepd's own modules, and those of installed packages (group `cepd.<kind>`)."""
    package = importlib.import_module(f"cepd.{kind}")
    own = {module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")}
    return frozenset(own | _outside(kind).keys())


def plugin(kind: str, name: str) -> ModuleType:
    """The module of one type. KeyError where `names(kind)` does not hold it."""
    if name not in names(kind):
        raise KeyError(name)
    if name in _outside(kind):
        module: ModuleType = _outside(kind)[name].load()
        return module
    return importlib.import_module(f"cepd.{kind}.{name}")


def built() -> Catalog:
    """What `cepd.config` may know of plugins: their names."""
    return Catalog(actions=names("actions"), channels=names("channels"))
