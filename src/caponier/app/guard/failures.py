"""Failures that a guard survives: counted, and told once each."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from caponier.guard.metrics import Metrics

Tell = Callable[[str], None]

_SAID: Final = "warning: {kind}; the guard goes on, and counts how often this happens"


class Failures:
    """Takes failures from any thread.

    The message of an exception is not repeated: it may hold what a caller sent.

    Args:
        metrics: Counts.
        tell: Says what happened, in a line.
    """

    def __init__(self, metrics: Metrics, tell: Tell) -> None:
        self._metrics, self._tell = metrics, tell
        self._told: set[str] = set()
        self._lock = Lock()

    def __call__(self, where: str, failure: Exception) -> None:
        """Count a failure; say so when its kind is new.

        Args:
            where: In which part of the guard.
            failure: What was raised.
        """
        kind = f"{where}: {type(failure).__name__}"
        with self._lock:
            self._metrics.count("failures", f'kind="{kind}"')
            new = kind not in self._told
            self._told.add(kind)
        if new:
            self._tell(_SAID.format(kind=kind))
