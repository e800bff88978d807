"""Moments, as people write and read them on a command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

_AGO: Final = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(time: datetime) -> str:
    """Write a moment for people."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def parse_duration(text: str) -> timedelta:
    """Read a length of time: `30m`, `24h`, `7d`, `2w`.

    Raises:
        typer.BadParameter: If it is none.
    """
    length = _AGO.fullmatch(text.strip())
    if length is None:
        raise typer.BadParameter(f"{text!r} is not a length of time such as 24h, 7d or 2w")
    return timedelta(**{_UNITS[length[2]]: int(length[1])})


def parse_moment(text: str) -> datetime:
    """Read a moment: `2026-01-31`, `2026-01-31T12:00:00Z`, or how long ago: `30m`, `24h`, `7d`, `2w`.

    Without a time zone it is UTC.

    Raises:
        typer.BadParameter: If it is none of these.
    """
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a date, a time or a span, such as 2026-01-31, 2026-01-31T12:00:00Z or 7d"
        ) from None
