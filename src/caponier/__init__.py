"""Caponier: machine-learning detection and response around the Adversarial ML Threat Matrix.

In a notebook or a program:

    import caponier

    events = caponier.load_events("october.jsonl.gz")
    baseline = caponier.build_baseline("september.parquet")
    found = caponier.scan_inference(events, baseline)
    found.to_pandas()

Nothing is imported before it is used; `__init__.pyi` says the same to type checkers.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_VERBS = "caponier.app.notebook.verbs"
_PLACES = {
    "EventLog": "caponier.telemetry.recorder",
    "Recorder": "caponier.telemetry.recorder",
    "build_baseline": _VERBS,
    "load_events": _VERBS,
    "record": "caponier.telemetry.handlers",
    "scan_artifact": _VERBS,
    "scan_dataset": _VERBS,
    "scan_inference": _VERBS,
}
_ROOMS = ("guard", "matrix")

__all__ = [
    "EventLog",
    "Recorder",
    "build_baseline",
    "guard",
    "load_events",
    "matrix",
    "record",
    "scan_artifact",
    "scan_dataset",
    "scan_inference",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    if name in _ROOMS:
        return import_module(f"caponier.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
