"""Which poisons and harmless data sets there are: whatever lies in the two folders. Adding one edits nothing else."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from caponier.emulate import poisoning as poison_folder
from caponier.emulate.controls import datasets as harmless_folder
from caponier.emulate.poison import HarmlessSet, Poison
from caponier.errors import CaponierError


def poisons() -> dict[str, Poison]:
    """Return every poison by name; one that cannot be imported is an error."""
    return _found(poison_folder, "EMULATION")


def harmless_sets() -> dict[str, HarmlessSet]:
    """Return every harmless data set by name; one that cannot be imported is an error."""
    return _found(harmless_folder, "HARMLESS")


def _found(folder: Any, constant: str) -> dict[str, Any]:
    names = sorted(module.name for module in iter_modules(folder.__path__))
    return {name: _plugin(f"{folder.__name__}.{name}", name, constant) for name in names}


def _plugin(path: str, name: str, constant: str) -> Any:
    plugin = getattr(import_module(path), constant, None)
    if plugin is None or plugin.name != name:
        raise CaponierError(f"The module must define {constant} with the name {name!r}", where=path)
    return plugin
