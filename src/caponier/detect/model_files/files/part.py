"""What a format's reader says of a piece of content: what it is, what is wrong, and which parts it has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from caponier.detect.artifact import Limits
from caponier.detect.model_files.pickles.ledger import Expense
from caponier.detect.model_files.pickles.rules import Rules, shipped

_LOOKS: Final = 256 << 20
_LOOKS_A_BYTE: Final = 16


class TooMuchError(Exception):
    """The content asks for more work than a scan may do."""


@dataclass
class Budget:
    """What is left of one file's limits, over all its parts."""

    limits: Limits
    bytes_left: int
    members_left: int
    expense: Expense = field(default_factory=Expense)
    looks_left: int = 1 << 62
    """Bytes that may still be looked at: what lies in each other, or overlaps, is looked at again and again."""
    fields_left: int = 2_000_000
    """Fields of protocol buffers that may still be read."""
    hidden_left: int = 1_000_000
    """The same where a file is not known to be one, but readers might take it for one."""
    letters_left: int = 1 << 18
    """Letters that may still be read as Python, which takes longer than anything else."""
    tokens_left: int = 400_000
    """Words and signs of templates that may still be read."""
    names_left: int = 100_000
    """Names in configurations that may still be looked up."""
    rules: Rules = field(default_factory=shipped)
    """What pickles may use."""

    @classmethod
    def of(cls, limits: Limits, size: int, rules: Rules | None = None) -> "Budget":
        """Return the budget for a file of so many bytes."""
        looks = _LOOKS + _LOOKS_A_BYTE * size
        return cls(limits, limits.budget(size), limits.members, looks_left=looks, rules=rules or shipped())

    def look(self, count: int) -> None:
        """Take bytes that are looked at.

        Raises:
            TooMuchError: If there were too many.
        """
        self.looks_left -= count
        if self.looks_left < 0:
            raise TooMuchError("has more in it than a scan looks at: parts may overlap, or lie in each other")

    def spend(self, count: int) -> None:
        """Take bytes that something expanded to.

        Raises:
            TooMuchError: If there are not so many left.
        """
        if count > self.bytes_left:
            raise TooMuchError("expands to more than a scan may hold: it may be a decompression bomb")
        self.bytes_left -= count

    def member(self) -> None:
        """Take one part of an archive.

        Raises:
            TooMuchError: If there were too many.
        """
        self.members_left -= 1
        if self.members_left < 0:
            raise TooMuchError(f"has more than {self.limits.members:,} parts")


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A part of an archive."""

    name: str
    content: memoryview
    doubt: str | None = None
    """Why it may not be what a loader reads."""
    harm: str | None = None
    """What it does to whoever unpacks the archive."""
    empty: bool = False
    """Whether it is a place and nothing else, so that there is no content to judge."""


@dataclass
class PartReport:
    """The report of a format's reader."""

    kind: str
    unsafe: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    certain: bool = True
    """Whether what is unsafe is known to be harmful, or merely not known to be harmless."""
    stops: bool = False
    """Whether a loader for this format stops before it has done anything."""
    globals: set[str] = field(default_factory=set)
    passed: dict[str, str] = field(default_factory=dict)
    """What only the user's own entries let pass, with their reasons."""
    members: Iterator[ArchiveMember] | None = None
    """Parts to judge as well; read one at a time, so that not all of an archive is in memory."""
