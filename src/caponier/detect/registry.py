"""Find every detector: ours by looking into the folder, others by entry point.

A detector that fails to import is an error, never a skip: a scan must not lose a detector in silence.
"""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from caponier.detect import events
from caponier.detect.detector import EventDetector
from caponier.errors import CaponierError, InputError

ENTRY_POINTS: Final = "caponier.detectors"


@cache
def event_detectors() -> dict[str, EventDetector]:
    """Return the detectors over inference events by name, in alphabetical order.

    Raises:
        CaponierError: If a detector cannot be imported, is none, or has the name of another one.
    """
    found: dict[str, EventDetector] = {}
    for module in pkgutil.iter_modules(events.__path__):
        _add(found, import_module(f"{events.__name__}.{module.name}").detector, module.name)
    for entry in entry_points(group=ENTRY_POINTS):
        _add(found, entry.load(), entry.name)
    return dict(sorted(found.items()))


def _add(found: dict[str, EventDetector], detector: object, name: str) -> None:
    if not isinstance(detector, EventDetector) or detector.name != name:
        raise CaponierError("is no detector, or has another name than its file or entry point", where=name)
    if name in found:
        raise CaponierError("two detectors have this name", where=name)
    found[name] = detector


def select(disabled: tuple[str, ...] = ()) -> list[EventDetector]:
    """Return the detectors that are not disabled.

    Raises:
        InputError: If a disabled detector does not exist.
    """
    known = event_detectors()
    for name in disabled:
        if name not in known:
            raise InputError(f"there is no detector {name!r}", mend=f"Known detectors: {', '.join(known)}")
    return [detector for name, detector in known.items() if name not in disabled]
