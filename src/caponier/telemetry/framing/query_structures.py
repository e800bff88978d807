"""Structures as Trino and Athena print them within a cell: `{type=IAMUser, arn=…, sessioncontext={…}}`."""

import re
from typing import Any, Final

DEPTH: Final = 8
"""Structures within each other; what is deeper stays text."""
LONGEST: Final = 65_536
"""Characters of a cell that is looked at."""
_NEXT: Final = re.compile(r"\s*([A-Za-z_][\w.\-:/]{0,127})=")
_END: Final = re.compile(r", (?=[A-Za-z_][\w.\-:/]{0,127}=)|\}")


def structure(cell: str) -> Any:
    """Read a structure; return the text where it is none.

    Nothing there is quoted, so a value ends where a further name or the structure does.
    """
    if len(cell) > LONGEST or not _NEXT.match(cell, 1):
        return cell
    found, end = _structure(cell, 0, DEPTH)
    return cell if found is None or end != len(cell) else found


def _structure(text: str, begin: int, depth: int) -> tuple[dict[str, Any] | None, int]:
    found: dict[str, Any] = {}
    at = begin + 1
    while depth and (name := _NEXT.match(text, at)):
        at = name.end()
        value: Any
        if text[at : at + 1] == "{":
            # One that does not end leaves the whole cell text: nothing is read twice.
            value, at = _structure(text, at, depth - 1)
            if value is None:
                return None, at
        else:
            ends = _END.search(text, at)
            if ends is None:
                return None, at
            value, at = text[at : ends.start()], ends.start()
        if value not in ("null", ""):
            found.setdefault(name[1], value)
        if text[at : at + 1] == "}":
            return found, at + 1
        if text[at : at + 2] != ", ":
            return None, at
        at += 2
    return None, at
