"""A progress bar for long work: on a terminal only, and on standard error."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from caponier.cli.terminal.output import notes


class Watch:
    """Draws the stages of a use-case; see `caponier.app.progress.Progress`."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = notes(quiet=quiet)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )
        self._task: int | None = None

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage, and end the one before it."""
        if self._task is not None:
            self._bars.remove_task(self._bars.tasks[-1].id)
        self._task = self._bars.add_task(name, total=total)

    def advance(self, steps: int) -> None:
        """Move the bar on."""
        if self._task is not None:
            self._bars.advance(self._bars.tasks[-1].id, steps)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
