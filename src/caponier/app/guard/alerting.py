"""Alerts go out beside the guard's work, and never keep it waiting."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from caponier.app.alerts.alerts import Alerts
from caponier.app.guard.failures import Failures
from caponier.errors import CaponierError
from caponier.guard.metrics import Metrics
from caponier.records.inventory import Workspace

POLL_S: Final = 1.0


class Alerting:
    """Sends what is recorded, in a thread of its own.

    Args:
        workspace: Its routes and store.
        metrics: Counts.
        failed: Takes failures that are survived.

    Raises:
        InputError: If a route or a maintenance window cannot be meant.
    """

    def __init__(self, workspace: Workspace, metrics: Metrics, failed: Failures) -> None:
        self._alerts, self._metrics, self._failed = Alerts(workspace), metrics, failed
        self.waiting = 0
        self._stop = Event()
        self._thread = Thread(target=self._run, name="caponier-guard-alerts", daemon=True)

    def start(self) -> None:
        """Begin; without a route there is nothing to do."""
        if self._alerts.routes:
            self._look()
            self._thread.start()

    def close(self) -> None:
        """Send what is left, once, and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
            self._survive(self._look)
        self._alerts.close()

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            self._survive(self._look)

    def _survive(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as failure:  # noqa: BLE001 - the border of the thread: it is tried again at the next look
            self._failed("alerts", failure)

    def _look(self) -> None:
        try:
            done = self._alerts.send()
        except CaponierError as failure:
            self._failed("alerts", failure)
            return
        self.waiting = done.waiting
        self._metrics.count("alerts", 'state="sent"', done.sent)
        self._metrics.count("alerts", 'state="silenced"', done.silenced)
        for untaken in done.failures:
            self._failed(f"alerts to {untaken.where}", untaken)
