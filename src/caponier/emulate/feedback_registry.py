"""Which sources of feedback there are: whatever lies in the two folders. Adding one edits nothing else."""

from importlib import import_module
from pkgutil import iter_modules

from caponier.emulate import feedback as attack_folder
from caponier.emulate.controls import feedback as control_folder
from caponier.emulate.feedback_source import Source
from caponier.errors import CaponierError


def sources() -> dict[str, Source]:
    """Return every source by name; one that cannot be imported is an error."""
    found = {
        module.name: _plugin(f"{folder.__name__}.{module.name}", module.name)
        for folder in (attack_folder, control_folder)
        for module in iter_modules(folder.__path__)
    }
    return dict(sorted(found.items()))


def harmless() -> dict[str, Source]:
    """Return those that mean no harm."""
    return {name: source for name, source in sources().items() if not source.techniques}


def _plugin(path: str, name: str) -> Source:
    plugin: Source | None = getattr(import_module(path), "SOURCE", None)
    if plugin is None or plugin.name != name:
        raise CaponierError(f"The module must define SOURCE with the name {name!r}", where=path)
    return plugin
