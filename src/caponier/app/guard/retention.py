"""What is kept no longer than the workspace says."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from caponier.app.workspace.retention import forget_old_events
from caponier.records.inventory import Workspace

EVERY_S: Final = 3_600.0


class Retention:
    """Deletes events that are older than `retention_days`, at the start and every hour.

    Args:
        workspace: Whose lake it is.
        failed: Takes failures that are survived, and where they were.
    """

    def __init__(self, workspace: Workspace, failed: Callable[[str, Exception], None]) -> None:
        self._workspace, self._failed = workspace, failed
        self._stop = Event()
        self._thread = Thread(target=self._run, name="caponier-guard-retention", daemon=True)

    def start(self) -> None:
        """Begin; where everything is kept there is nothing to do."""
        if self._workspace.privacy.retention_days is not None:
            self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                forget_old_events(self._workspace)
            except OSError as failure:
                self._failed("retention", failure)
            if self._stop.wait(EVERY_S):
                return
