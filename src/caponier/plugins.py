"""Load plug-ins, ours by looking into a folder and others by entry point, without trusting what they do when imported.

A plug-in that fails is one error that names it, with the exit code of a wrong request: a scan must not lose a detector
in silence, and the fault is not in what runs it. One that only lacks an extra is left out, and told by `unavailable`.
"""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from caponier.errors import CaponierError, MissingExtraError


class PluginError(CaponierError):
    """A plug-in cannot be used."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a plug-in has given."""

    name: str
    """Of its file or entry point."""
    where: str
    """The module, or the entry point with its package, for messages."""
    value: Any

    def refused(self, why: str) -> PluginError:
        """Return the error that says why it cannot be used."""
        return PluginError(f"the plug-in {self.name!r} {why}", where=self.where)


@dataclass(frozen=True, slots=True)
class _Source:
    """A plug-in that is not loaded yet."""

    name: str
    where: str
    load: Callable[[], Any]
    mend: str
    extra: str | None = None
    """How to install what it may lack, if its package has said so."""


def plugins(folder: ModuleType, attribute: str, group: str | None = None) -> Iterator[Plugin]:
    """Load plug-ins, except those that lack an extra.

    Args:
        folder: The package whose modules are plug-ins; what lies in a folder of its own is a part of them, and none.
        attribute: What each of these modules must define.
        group: The entry points by which other packages' plug-ins join.

    Raises:
        PluginError: If one cannot be loaded.
    """
    for source in _sources(folder, attribute, group):
        loaded = _loaded(source)
        if isinstance(loaded, Plugin):
            yield loaded


def unavailable(folder: ModuleType, attribute: str, group: str | None = None) -> dict[str, MissingExtraError]:
    """Return the plug-ins that lack an extra, by name, with the extra to install.

    Raises:
        PluginError: If one cannot be loaded for another reason.
    """
    loaded = {source.name: _loaded(source) for source in _sources(folder, attribute, group)}
    return {name: missing for name, missing in loaded.items() if isinstance(missing, MissingExtraError)}


def of_file(folder: ModuleType, attribute: str) -> dict[str, Any]:
    """Return the plug-ins of a folder by name; each must call itself as its file is called.

    Raises:
        PluginError: If one cannot be loaded, or is called otherwise.
    """
    found = {}
    for plugin in plugins(folder, attribute):
        if getattr(plugin.value, "name", None) != plugin.name:
            raise plugin.refused(f"must define {attribute} with the name {plugin.name!r}")
        found[plugin.name] = plugin.value
    return found


def _sources(folder: ModuleType, attribute: str, group: str | None) -> Iterator[_Source]:
    for name in sorted(module.name for module in pkgutil.iter_modules(folder.__path__) if not module.ispkg):
        path = f"{folder.__name__}.{name}"
        yield _Source(name, path, partial(_attribute, path, attribute), "Mend the file, or install Caponier again.")
    try:
        installed = entry_points(group=group) if group else ()
    except (ValueError, TypeError) as broken:
        mend = "Look into the entry_points.txt of the packages that were installed last."
        raise PluginError(f"the entry points of an installed package cannot be read: {broken}", mend=mend) from broken
    yield from map(_source, installed)


def _source(entry: EntryPoint) -> _Source:
    package: str | None = entry.dist.name if entry.dist else None
    where = f"entry point {entry.name!r} ({entry.value}) of {f'the package {package}' if package else 'a package'}"
    mend = f"Mend the package, or remove it: pip uninstall {package}" if package else "Mend the package, or remove it."
    extras = entry.extras if package and entry.pattern.match(entry.value) else []
    return _Source(
        entry.name, where, entry.load, mend, f"pip install '{package}[{','.join(extras)}]'" if extras else None
    )


def _attribute(path: str, attribute: str) -> Any:
    module = import_module(path)
    if not hasattr(module, attribute):
        raise AttributeError(f"the module must define {attribute}")
    return getattr(module, attribute)


def _loaded(source: _Source) -> Plugin | MissingExtraError:
    """Load one; what it raises when imported, `sys.exit` included, becomes an error that names it."""
    try:
        return Plugin(source.name, source.where, source.load())
    except MissingExtraError as missing:
        return MissingExtraError(missing.what, where=source.where, mend=missing.mend)
    except (Exception, SystemExit) as failed:
        if isinstance(failed, ModuleNotFoundError) and source.extra:
            what = f"the plug-in {source.name!r} needs the Python package {failed.name!r}, which is not installed"
            return MissingExtraError(what, where=source.where, mend=f"Install it with: {source.extra}")
        lines = str(failed).splitlines() or [""]
        why = f"{type(failed).__name__}: {lines[0]}"
        raise PluginError(
            f"the plug-in {source.name!r} cannot be loaded: {why}", where=source.where, mend=source.mend
        ) from failed
