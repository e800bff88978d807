"""Find every detector over data sets: ours by looking into the folder, others by entry point.

A detector that fails to import is an error, never a skip: a scan must not lose a detector in silence.
"""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from caponier.detect import datasets
from caponier.detect.dataset import DatasetDetector
from caponier.errors import CaponierError

ENTRY_POINTS: Final = "caponier.dataset_detectors"


@cache
def dataset_detectors() -> dict[str, DatasetDetector]:
    """Return the detectors over data sets by name, in alphabetical order.

    Raises:
        CaponierError: If a detector cannot be imported, is none, or has the name of another one.
    """
    found: dict[str, DatasetDetector] = {}
    for module in pkgutil.iter_modules(datasets.__path__):
        _add(found, import_module(f"{datasets.__name__}.{module.name}").detector, module.name)
    for entry in entry_points(group=ENTRY_POINTS):
        _add(found, entry.load(), entry.name)
    return dict(sorted(found.items()))


def _add(found: dict[str, DatasetDetector], detector: object, name: str) -> None:
    if not isinstance(detector, DatasetDetector) or detector.name != name:
        raise CaponierError("is no data-set detector, or has another name than its file or entry point", where=name)
    if name in found:
        raise CaponierError("two detectors have this name", where=name)
    found[name] = detector
