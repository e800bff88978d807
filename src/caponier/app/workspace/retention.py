"""Events that are older than the workspace keeps them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from caponier.records.inventory import Workspace


def forget_old_events(workspace: Workspace, now: datetime | None = None) -> int:
    """Delete the days of a lake that are over for longer than `retention_days`; return how many files those were.

    Only what lies in a folder that is called like a day is touched. Findings, incidents and the audit log stay: they
    hold no inputs.

    Args:
        workspace: Whose lake it is.
        now: The present by default.

    Raises:
        OSError: If a file cannot be deleted.
    """
    days = workspace.privacy.retention_days
    if days is None or "://" in workspace.lake:
        return 0
    last = ((now or datetime.now(UTC)) - timedelta(days=days)).date()
    deleted = 0
    for folder in sorted(Path(workspace.lake).glob("*")):
        day = day_of(folder)
        # A day's last event is as old as the day itself once the next one has begun.
        if day is None or day >= last or folder.is_symlink() or not folder.is_dir():
            continue
        for file in sorted(folder.rglob("*"), reverse=True):
            if file.is_dir() and not file.is_symlink():
                file.rmdir()
            else:
                file.unlink(missing_ok=True)
                deleted += 1
        folder.rmdir()
    return deleted


def day_of(folder: Path) -> date | None:
    """Return the day that a folder of a lake is called like, `2026-11-30` or `date=2026-11-30`; None if none."""
    name = folder.name.removeprefix("date=")
    try:
        return date.fromisoformat(name) if len(name) == 10 else None
    except ValueError:
        return None
