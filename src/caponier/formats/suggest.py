"""Say which known name somebody probably meant."""

import difflib
from collections.abc import Iterable
from os.path import commonprefix
from typing import Final

_LONGEST: Final = 200
"""Letters of a name that are compared: the time grows with their square, and names come from strangers' files."""
_SHORT_LIST: Final = 10


def nearest(said: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known name that looks most like what was said; None if none looks enough like it.

    Args:
        said: What stands there.
        known: The names that could stand there.
        likeness: From 0 to 1, where 1 means equal (difflib's ratio).
    """
    return next(iter(difflib.get_close_matches(said[:_LONGEST], list(known), n=1, cutoff=likeness)), None)


def nearest_id(said: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the nearest id; ids are paths, so one that starts the same is nearer than one with the same letters."""
    said = said[:_LONGEST]
    close = difflib.get_close_matches(said, list(known), n=_SHORT_LIST, cutoff=likeness)
    return max(close, key=lambda other: len(commonprefix([said, other])), default=None)  # noqa: RUF071 - by character


def did_you_mean(near: str | None, then: str = "", *, otherwise: str = "") -> str:
    """Write the advice to an error about a name.

    Args:
        near: What was probably meant, if that can be told.
        then: What to say behind the question; alone where there is none.
        otherwise: What to say only where there is none.
    """
    question = otherwise if near is None else f"Did you mean {near!r}?"
    return " ".join(part for part in (question, then) if part)
