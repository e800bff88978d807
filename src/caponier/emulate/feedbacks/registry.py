"""Which sources of feedback there are: whatever lies in the folder. Adding one edits nothing else."""

from importlib import import_module
from pkgutil import iter_modules

from caponier.emulate.feedbacks import sources as folder
from caponier.emulate.feedbacks.source import Source
from caponier.errors import CaponierError


def sources() -> dict[str, Source]:
    """Return every source by name; one that cannot be imported is an error."""
    return {name: _plugin(name) for name in sorted(module.name for module in iter_modules(folder.__path__))}


def harmless() -> dict[str, Source]:
    """Return those that mean no harm."""
    return {name: source for name, source in sources().items() if not source.techniques}


def _plugin(name: str) -> Source:
    path = f"{folder.__name__}.{name}"
    plugin: Source | None = getattr(import_module(path), "SOURCE", None)
    if plugin is None or plugin.name != name:
        raise CaponierError(f"The module must define SOURCE with the name {name!r}", where=path)
    return plugin
