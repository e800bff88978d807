"""Colours of a terminal, which loggers for people write around the names and values of a line."""

import re
from typing import Final

ESCAPE: Final = b"\x1b"
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]{0,20}m")


def plain(line: bytes) -> bytes:
    """Return a line without the codes that colour it; any other control code stays, and makes the line unreadable."""
    return _COLOUR.sub(b"", line) if ESCAPE in line else line
