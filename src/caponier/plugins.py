"""One discovery of plug-ins: ours by looking into folders, those of other packages by entry point.

A plug-in is one file, or one object that an entry point names. One that cannot be imported is an error and no skip, for
nothing may be lost in silence; one that lacks an optional dependency is set apart, with what to install.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar

from caponier.errors import CaponierError, InputError, MissingExtraError
from caponier.extras import missing
from caponier.formats.suggest import did_you_mean, nearest
from caponier.protocols import lacking, unfitting

T = TypeVar("T")
UNNAMED = "a package without a name"


class PluginError(CaponierError):
    """A plug-in cannot be used: it does not load, is not of its kind, or has the name of another one."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A plug-in whose optional dependency is not installed."""

    kind: str
    name: str
    where: str
    reason: str
    hint: str | None
    """What to install."""

    @property
    def line(self) -> str:
        """Reason and hint in one line."""
        return f"{self.reason}. {self.hint}" if self.hint else self.reason

    def error(self) -> MissingExtraError:
        """Return the error for somebody who asks for it by name."""
        return MissingExtraError(f"the {self.kind} {self.name!r} is not available: {self.reason}", hint=self.hint)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a plug-in lies."""

    name: str
    where: str
    """Module, or entry point and distribution."""
    load: Callable[[], Any]
    owner: str | None = None
    """The distribution, if it is not ours."""
    extras: tuple[str, ...] = ()
    """Of the distribution, which the entry point says that it needs."""


@dataclass(frozen=True, slots=True)
class Discovery(Generic[T]):
    """What a discovery gave, by name."""

    available: dict[str, T]
    unavailable: dict[str, Unavailable]


def _no_complaint(name: str) -> str | None:
    del name
    return None


@dataclass(eq=False)
class Plugins(Generic[T]):
    """All plug-ins of one kind; nothing is imported before somebody asks.

    Args:
        kind: What one is called in a sentence: `detector`.
        shape: The protocol that each keeps to.
        attribute: Name of the plug-in in its module.
        folders: Packages whose modules are plug-ins; a package within one is a part of plug-ins, and none itself.
        group: The entry points that other packages register under.
        refused: Says of a name what is wrong with it, where the kind has rules of its own.
    """

    kind: str
    shape: type[Any]
    attribute: str
    folders: tuple[str, ...]
    group: str
    refused: Callable[[str], str | None] = field(default=_no_complaint)

    def __call__(self) -> dict[str, T]:
        """Return all by name, in alphabetical order.

        Raises:
            PluginError: If one cannot be imported, is not of this kind, or has the name of another one.
        """
        return dict(self._found.available)

    def unavailable(self) -> tuple[Unavailable, ...]:
        """Return those that lack an optional dependency, in alphabetical order."""
        return tuple(self._found.unavailable.values())

    def one(self, name: str) -> T:
        """Return the one of a name.

        Raises:
            InputError: If there is none; the message knows the nearest, and lists them.
            MissingExtraError: If it lacks an optional dependency.
            PluginError: As for all.
        """
        self.know([name])
        if name in self._found.unavailable:
            raise self._found.unavailable[name].error()
        return self._found.available[name]

    def know(self, names: Iterable[str]) -> None:
        """Make sure that there are plug-ins of these names, available or not.

        Raises:
            InputError: If there is none of one of them.
            PluginError: As for all.
        """
        known = sorted({*self._found.available, *self._found.unavailable})
        for name in names:
            if name not in known:
                advice = did_you_mean(nearest(name, known), f"Known {self.plural}: {', '.join(known) or 'none'}")
                raise InputError(f"there is no {self.kind} {name!r}", hint=advice)

    @property
    def plural(self) -> str:
        """What several are called."""
        return f"{self.kind[:-1]}ies" if self.kind.endswith("y") else f"{self.kind}s"

    def forget(self) -> None:
        """Look again when asked next: what is installed has changed."""
        self.__dict__.pop("_found", None)

    @cached_property
    def _found(self) -> Discovery[T]:
        available: dict[str, T] = {}
        unavailable: dict[str, Unavailable] = {}
        places: dict[str, str] = {}
        for source in self._sources():
            try:
                plugin = self._loaded(source)
            except MissingExtraError as lacking:
                plugin = Unavailable(self.kind, source.name, source.where, lacking.what, lacking.hint)
            if source.name in places:
                raise PluginError(
                    f"two {self.plural} have this name; the other one is {places[source.name]}",
                    where=f"{source.name} ({source.where})",
                    hint=_remedy(source),
                )
            places[source.name] = source.where
            if isinstance(plugin, Unavailable):
                unavailable[source.name] = plugin
            else:
                available[source.name] = plugin
        return Discovery(dict(sorted(available.items())), dict(sorted(unavailable.items())))

    def _sources(self) -> Iterator[_Source]:
        for folder in self.folders:
            for module in iter_modules(import_module(folder).__path__):
                if not module.ispkg:
                    path = f"{folder}.{module.name}"
                    yield _Source(module.name, path, _of_module(path, self.attribute))
        for entry in _published(tuple(sys.path)).select(group=self.group):
            yield _of_entry_point(entry)

    def _loaded(self, source: _Source) -> Any:
        """Import a plug-in and look at it.

        Raises:
            MissingExtraError: If it lacks an optional dependency.
            PluginError: If anything else is wrong.
        """
        try:
            plugin = source.load()
            complaint = self._complaint(plugin, source.name)
        except MissingExtraError:
            raise
        except KeyboardInterrupt:
            raise
        # The border of somebody else's code: whatever its import raises, even SystemExit or the panic of an extension
        # module, must end as one message.
        except BaseException as failed:
            if isinstance(failed, ModuleNotFoundError) and (lacking := _lacking(source, failed)):
                raise lacking from failed
            said = ": ".join([type(failed).__name__, *words_of(failed).splitlines()[:1]])
            raise self._error(source, f"the {self.kind} cannot be loaded: {said}") from failed
        if complaint:
            raise self._error(source, complaint)
        return plugin

    def _error(self, source: _Source, what: str) -> PluginError:
        return PluginError(what, where=f"{source.name} ({source.where})", hint=_remedy(source))

    def _complaint(self, plugin: Any, name: str) -> str | None:
        if isinstance(plugin, type):
            return f"is no {self.kind} but a class; name an instance of it"
        if absent := lacking(plugin, self.shape):
            return f"is no {self.kind}: a {type(plugin).__name__} lacks {', '.join(absent)}"
        if wrong := unfitting(plugin, self.shape):
            return f"is no {self.kind}: {wrong}"
        if plugin.name != name:
            return f"has another name than its file or entry point: it calls itself {plugin.name!r}"
        return self.refused(name)


def words_of(failed: BaseException) -> str:
    """Return what somebody else's error says of itself, if it can."""
    try:
        return str(failed)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - its words are somebody else's code, too, and may even end the program
        return ""


def _of_module(path: str, attribute: str) -> Callable[[], Any]:
    def load() -> Any:
        module = import_module(path)
        if not hasattr(module, attribute):
            raise AttributeError(f"the module must define {attribute}")
        return getattr(module, attribute)

    return load


@lru_cache(maxsize=1)
def _published(path: tuple[str, ...]) -> Any:
    """Return every entry point, to select a group from; reading them takes long enough to do it once for all kinds.

    Args:
        path: Where packages lie now, so that one that joins later is seen.
    """
    del path
    try:
        return entry_points()
    except (ValueError, TypeError) as broken:
        raise PluginError(
            f"the entry points of an installed package cannot be read: {broken}",
            hint="Look into the entry_points.txt of the packages that were installed last",
        ) from broken


def _of_entry_point(entry: EntryPoint) -> _Source:
    owner = _owner(entry)
    where = f"{owner}, entry point {entry.group}: {entry.name} = {entry.value}"
    # One that is misspelt has no extras that could be read; what is wrong with it is told when it is loaded.
    extras = tuple(entry.extras) if entry.pattern.match(entry.value) else ()
    return _Source(entry.name, where, entry.load, owner, extras)


def _owner(entry: EntryPoint) -> str:
    """Return name and version of the package of an entry point, or where it lies if it says no name of its own."""
    if entry.dist is None:
        return UNNAMED
    if entry.dist.name:
        return f"{entry.dist.name} {entry.dist.version}"
    # Half removed: its metadata are gone, and only pip's folder of it is left.
    place = getattr(entry.dist, "_path", None)
    return f"{UNNAMED} in {place}" if place else UNNAMED


def _lacking(source: _Source, failed: ModuleNotFoundError) -> MissingExtraError | None:
    """Return which extra brings what could not be imported: one of the plug-in's own package, or of Caponier."""
    if source.owner is None or not source.extras or source.owner.startswith(UNNAMED):
        return missing(failed)
    install = f"{source.owner.split()[0]}[{','.join(source.extras)}]"
    return MissingExtraError(
        f"it needs the Python package {failed.name!r}, which is not installed",
        hint=f"Install it with: pip install '{install}'",
    )


def _remedy(source: _Source) -> str:
    if source.owner is None:
        return "Repair this file, or install Caponier again"
    if source.owner.startswith(UNNAMED):
        return f"Install or remove {source.owner.replace(UNNAMED, 'the package', 1)}: it has lost its name"
    return f"Update or uninstall {source.owner.split()[0]}, or tell its authors"
