"""Failures that a guard survives: counted, and told when they are new and when they have become ten times as many."""

import os
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Final

from caponier.guard.metrics import Metrics, label

Tell = Callable[[str], None]

_SAID: Final = "warning: {kind}; the guard goes on, and counts how often this happens"
_DETECTION: Final = (
    "warning: {kind}; these events are looked at without it and it is tried again with the next; the guard counts how "
    "often this happens"
)
_AGAIN: Final = "warning: {kind}; this has happened {times:,} times by now"


class Failures:
    """Takes failures from any thread.

    The message of an exception is not repeated: it may hold what a caller sent. What the system says of an error is.

    Args:
        metrics: Counts.
        tell: Says what happened, in a line.
    """

    def __init__(self, metrics: Metrics, tell: Tell) -> None:
        self._metrics, self._tell = metrics, tell
        self._seen: Counter[str] = Counter()
        self._lock = Lock()

    def __call__(self, where: str, failure: Exception) -> None:
        """Count a failure; say so when its kind is new, and again at ten, a hundred, a thousand of it.

        Args:
            where: In which part of the guard.
            failure: What was raised.
        """
        kind = f"{where}: {type(failure).__name__}"
        self._note(kind, f'kind="{kind}"', _SAID, _of_system(failure))

    def detection(self, model: str, where: str, failure: Exception) -> None:
        """Count a failure to look at some of a model's events, and say what becomes of them.

        Args:
            model: Of those that are watched.
            where: Name of the detector, or of what else failed.
            failure: What was raised.
        """
        kind = f"detection: {type(failure).__name__}"
        labels = f'kind="{kind}",{label("model", model)},{label("part", where)}'
        self._note(f"detection: {where} on model {model}: {type(failure).__name__}", labels, _DETECTION)

    def _note(self, kind: str, labels: str, said: str, why: str = "") -> None:
        kind = f"{kind} ({why})" if why else kind
        with self._lock:
            self._metrics.count("failures", labels)
            self._seen[kind] += 1
            times = self._seen[kind]
        if times == 1:
            self._tell(said.format(kind=kind))
        elif str(times).strip("0") == "1":
            self._tell(_AGAIN.format(kind=kind, times=times))


def _of_system(failure: BaseException | None) -> str:
    """Return what the system says of an error that led to a failure; empty if none did."""
    while failure is not None:
        if isinstance(failure, OSError) and isinstance(failure.errno, int) and failure.errno > 0:
            return os.strerror(failure.errno)
        failure = failure.__cause__ or failure.__context__
    return ""
