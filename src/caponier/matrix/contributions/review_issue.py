"""What is wrong with a contribution, or what a person has to look at before it is taken."""

from dataclasses import dataclass
from enum import StrEnum


class ReviewLevel(StrEnum):
    """What an issue does to a contribution."""

    ERROR = "error"
    """It cannot be taken like this."""
    LOOK = "look"
    """It can be taken once somebody has looked at this."""


@dataclass(frozen=True, slots=True)
class ReviewIssue:
    """One thing about one field."""

    file: str
    line: int
    """From 1."""
    field: str
    """Such as `evidence[1].date`, counted from 1; `file` where it is about the file as a whole."""
    what: str
    hint: str
    level: ReviewLevel = ReviewLevel.ERROR
