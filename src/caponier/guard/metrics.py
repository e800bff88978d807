"""What the guard counts, in the text format of Prometheus."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock
from typing import Final

from caponier.guard.exchange import Exchange
from caponier.guard.verdict import Measure

BOUNDS: Final = (0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.1, 1.0)
"""Upper bounds of the histogram of the guard's own time, in seconds."""

OTHERS: Final = "other"
"""Label of what nobody but a caller has named."""
_GAUGES: Final = {
    "waiting_bytes": "Requests and answers in the spool that are not yet in the lake.",
    "spilled_bytes": "Events that wait beside the spool until the lake can be written again.",
    "lag_seconds": "Age of the oldest answered request that was not looked at yet.",
    "waiting_alerts": "Alerts that no receiver has taken yet.",
    "subjects": "Callers that detection remembers, over all models.",
    "detection": "State of the detection: 1 for the one that it is in.",
    "waiting_requests": "Answered requests in memory that were not looked at yet.",
}
_ABOUT: Final = {
    "requests": "Requests by operation, HTTP status and model.",
    "refused": "Requests that were refused.",
    "held": "Requests that were kept waiting, and then got 503.",
    "waited": "Answers that waited until detection had looked at what was asked.",
    "rounded": "Answers whose scores were rounded.",
    "would_refuse": "Requests that would have been refused in enforce mode.",
    "would_hold": "Requests that would have been kept waiting in enforce mode.",
    "would_round": "Answers that would have been rounded in enforce mode.",
    "refused_unread": "Requests that were refused, because they cannot be read as the model server reads them.",
    "would_refuse_unread": "Answered requests that enforce mode would have refused, because they cannot be read.",
    "unreadable": "Answered queries, by model and caller, whose input could not be read: detection only counts them.",
    "unseen": "Answered queries, by model, at which no detection looks: only their number and times are recorded.",
    "unread": "Requests and answers that passed unread, because of a limit or of an unknown form.",
    "unclear": "Requests that showed several credentials, or one that cannot be read: they have no principal.",
    "events": "Events written to the log.",
    "lost_events": "Requests that were not recorded, because neither spool nor memory had room, or that are broken.",
    "unspooled": "Answers that left before their request was on disk, because the spool could not be written.",
    "withheld": "Callers to whom responses did not begin by themselves, because of their limit: people decide.",
    "connections_refused": "Connections that were closed, by why.",
    "findings": "Findings by detector and model.",
    "alerts": "Alerts that were sent, or silenced by a maintenance window.",
    "failures": "Failures that were survived, by kind; of detection also by model and part.",
}


_DONE: Final = {Measure.REFUSE: "refused", Measure.HOLD: "held", Measure.ROUND: "rounded"}
_WOULD: Final = {Measure.REFUSE: "refuse", Measure.HOLD: "hold", Measure.ROUND: "round"}


def label(name: str, value: str) -> str:
    """Return a label as Prometheus reads it, whatever its value holds."""
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{name}="{escaped}"'


class Metrics:
    """Counters, counted up and read in any thread.

    Args:
        models: Names of models that are told; a caller can make up others, which are all `other`.
    """

    def __init__(self, models: Iterable[str] = ()) -> None:
        self.models = frozenset(models)
        """They may be changed before anything is counted."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self._gauges: dict[str, list[tuple[str, Callable[[], float]]]] = {}

    def of_model(self, model: str | None) -> str:
        """Return the label of a model."""
        return label("model", model if model is not None and model in self.models else OTHERS)

    def gauge(self, name: str, value: Callable[[], float], labels: str = "") -> None:
        """Show a value that goes up and down.

        Args:
            name: One of those that are told about.
            value: Tells it when the metrics are read, in any thread; where it raises OSError it is left out.
            labels: As in `count`.
        """
        self._gauges.setdefault(name, []).append((labels, value))

    def count(self, name: str, labels: str = "", n: int = 1) -> None:
        """Count something up.

        Args:
            name: One of those that are told about.
            labels: In the form of Prometheus, such as `detector="flood"`; never anything that a caller chose.
            n: By how much.
        """
        if n:
            with self._lock:
                self._counts[name, labels] += n

    def total(self, name: str) -> int:
        """Return a count over all its labels."""
        return sum(n for (known, _), n in list(self._counts.items()) if known == name)

    def note(self, exchange: Exchange, *, enforce: bool) -> None:
        """Count an exchange."""
        asked = self.of_model(exchange.call.model)
        self.count("requests", f'operation="{exchange.call.operation}",status="{exchange.status}",{asked}')
        if exchange.unclear:
            self.count("unclear")
        if exchange.unread:
            self.count("refused_unread")
        if exchange.looked_at is not None:
            self.count("waited")
        measure = exchange.verdict.measure
        if measure is not Measure.PASS:
            self.count(_DONE[measure] if enforce else f"would_{_WOULD[measure]}")
        seconds = max(0.0, exchange.own_ms / 1_000)
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def text(self) -> str:
        """Return everything as Prometheus reads it, format 0.0.4."""
        lines: list[str] = []
        for name, about in _ABOUT.items():
            full = f"caponier_guard_{name}_total"
            lines += [f"# HELP {full} {about}", f"# TYPE {full} counter"]
            found = [(labels, n) for (known, labels), n in sorted(self._counts.items()) if known == name]
            lines += [f"{full}{{{labels}}} {n}" if labels else f"{full} {n}" for labels, n in found or [("", 0)]]
        for name, values in self._gauges.items():
            full = f"caponier_guard_{name}"
            lines += [f"# HELP {full} {_GAUGES[name]}", f"# TYPE {full} gauge"]
            for labels, value in values:
                # A file that is measured may be gone by now.
                with suppress(OSError):
                    lines.append(f"{full}{{{labels}}} {value():.15g}" if labels else f"{full} {value():.15g}")
        full = "caponier_guard_own_seconds"
        lines += [f"# HELP {full} Time that the guard adds to a request.", f"# TYPE {full} histogram"]
        below = 0
        for bound, n in zip([*BOUNDS, "+Inf"], self._buckets, strict=True):
            below += n
            lines.append(f'{full}_bucket{{le="{bound}"}} {below}')
        lines += [f"{full}_sum {self._seconds:.6f}", f"{full}_count {below}"]
        return "\n".join(lines) + "\n"
