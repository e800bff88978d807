"""Find every detector: ours by looking into the folder, others by entry point.

A detector that fails to import is an error, never a skip: a scan must not lose a detector in silence.
"""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from caponier.detect import artifacts, events
from caponier.detect.artifact import ArtifactDetector
from caponier.detect.detector import EventDetector
from caponier.errors import CaponierError, InputError
from caponier.formats.suggest import did_you_mean, nearest

ENTRY_POINTS: Final = "caponier.detectors"
ARTIFACT_ENTRY_POINTS: Final = "caponier.artifact_detectors"


@cache
def event_detectors() -> dict[str, EventDetector]:
    """Return the detectors over inference events by name, in alphabetical order.

    Raises:
        CaponierError: If a detector cannot be imported, is none, or has the name of another one.
    """
    found: dict[str, EventDetector] = {}
    for module in pkgutil.iter_modules(events.__path__):
        _add(found, _loaded(module.name, f"{events.__name__}.{module.name}"), module.name)
    for entry in entry_points(group=ENTRY_POINTS):
        _add(found, _loaded(entry.name, entry), entry.name)
    return dict(sorted(found.items()))


def _loaded(name: str, source: str | EntryPoint) -> object:
    try:
        return import_module(source).detector if isinstance(source, str) else source.load()
    except (ImportError, AttributeError) as failed:
        raise CaponierError(f"the detector cannot be loaded: {failed}", where=name) from failed


@cache
def artifact_detectors() -> dict[str, ArtifactDetector]:
    """Return the detectors over model files by name, in alphabetical order.

    Raises:
        CaponierError: If a detector cannot be imported, is none, or has the name of another one.
    """
    modules = [module.name for module in pkgutil.iter_modules(artifacts.__path__)]
    candidates = [(import_module(f"{artifacts.__name__}.{name}").detector, name) for name in modules]
    candidates += [(entry.load(), entry.name) for entry in entry_points(group=ARTIFACT_ENTRY_POINTS)]
    found: dict[str, ArtifactDetector] = {}
    for detector, name in candidates:
        if not isinstance(detector, ArtifactDetector) or detector.name != name:
            raise CaponierError("is no artifact detector, or has another name than its file or entry point", where=name)
        if name in found:
            raise CaponierError("two artifact detectors have this name", where=name)
        found[name] = detector
    return dict(sorted(found.items()))


def _add(found: dict[str, EventDetector], detector: object, name: str) -> None:
    if isinstance(detector, type) or not isinstance(detector, EventDetector) or detector.name != name:
        raise CaponierError("is no detector, or has another name than its file or entry point", where=name)
    if name in found:
        raise CaponierError("two detectors have this name", where=name)
    found[name] = detector


def select(
    disabled: tuple[str, ...] = (), settings: Mapping[str, Mapping[str, Any]] | None = None
) -> list[EventDetector]:
    """Return the detectors that are not disabled.

    Args:
        disabled: Names of detectors.
        settings: The tables `[detect.<name>]` of a workspace.

    Raises:
        InputError: If a detector that is named does not exist, or has no setting of a name.
    """
    known = event_detectors()
    for name in (*disabled, *(settings or {})):
        if name not in known:
            mend = did_you_mean(nearest(name, known), f"Known detectors: {', '.join(known)}")
            raise InputError(f"there is no detector {name!r}", mend=mend)
    for name, table in (settings or {}).items():
        # None of them has settings yet; one that is written down must not be ignored in silence.
        for key in table:
            raise InputError(f"the detector has no setting {key!r}", where=f"detect.{name}")
    return [detector for name, detector in known.items() if name not in disabled]
