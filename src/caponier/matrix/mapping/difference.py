"""The nouns of a difference between two versions of a matrix: what changed, and how."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from caponier.matrix.evidence import Maturity


class Noun(StrEnum):
    """What changed; a sub-technique is a technique."""

    TACTIC = "tactic"
    TECHNIQUE = "technique"
    STUDY = "case study"

    @property
    def plural(self) -> str:
        """The word for several."""
        return "case studies" if self is Noun.STUDY else f"{self.value}s"


class DifferenceKind(StrEnum):
    """How it changed, in the order in which a reader wants to know."""

    REMOVED = "removed"
    REPLACED = "replaced"
    SPLIT = "split"
    MERGED = "merged"
    CHANGED = "changed"
    MOVED = "moved"
    RENAMED = "renamed"
    ADDED = "added"

    @property
    def mirrored(self) -> "DifferenceKind":
        """The kind when one looks from the other version."""
        return _MIRRORED.get(self, self)


_MIRRORED: Final = {
    DifferenceKind.ADDED: DifferenceKind.REMOVED,
    DifferenceKind.REMOVED: DifferenceKind.ADDED,
    DifferenceKind.SPLIT: DifferenceKind.MERGED,
    DifferenceKind.MERGED: DifferenceKind.SPLIT,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a version says of one entry, as far as it is compared."""

    id: str
    name: str
    tactics: tuple[str, ...] = ()
    """Ids, in the order of the matrix."""
    parent: str | None = None
    maturity: Maturity | None = None
    attack: tuple[str, ...] = ()
    """ATT&CK ids, the surest first."""
    steps: tuple[str, ...] = ()
    """Of a case study: the technique of each step, in order."""
    sources: tuple[str, ...] = ()
    """Ids of the studies and records that show a technique."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a difference."""

    kind: DifferenceKind
    noun: Noun
    id: str
    """The id in the older place, or the new one of what was added or merged into one."""
    before: tuple[Facts, ...]
    after: tuple[Facts, ...]
    note: str = ""
    """What changed, from what to what, and why, in words."""
    needs_human: bool = False
    """Whether a person must decide before what users wrote on the old entry may go on."""
    unknown: bool = False
    """Whether nothing says what took over; only for what was removed."""
    nearest: tuple[str, ...] = ()
    """Ids of the other version that are worth a look, though none of them took over."""

    @property
    def mirrored(self) -> "Change":
        """The same change as seen from the other version."""
        single = self.after if len(self.after) == 1 else self.before
        return replace(self, kind=self.kind.mirrored, id=single[0].id, before=self.after, after=self.before, nearest=())


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two versions, by the ids it has."""

    version: str
    tactics: frozenset[str]
    techniques: frozenset[str]
    studies: frozenset[str]

    def ids(self, noun: Noun) -> frozenset[str]:
        """Return the ids of a noun."""
        return {Noun.TACTIC: self.tactics, Noun.TECHNIQUE: self.techniques, Noun.STUDY: self.studies}[noun]


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that changed from one version to another.

    An id that is gone stands in exactly one change, and so does one that is new: under `replaced`, `split` or `merged`
    if it is known what took over, under `removed` or `added` otherwise. A technique that stays and got parts below it
    is `split` as well; its parts are `added`.
    """

    before: Side
    after: Side
    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()
    """What a reader should know of how it was found."""

    def of(self, noun: Noun | None = None, kind: DifferenceKind | None = None) -> tuple[Change, ...]:
        """Return the changes of a noun, of a kind, or of both."""
        return tuple(c for c in self.changes if noun in (None, c.noun) and kind in (None, c.kind))

    def only(self, kinds: Collection[DifferenceKind]) -> "Difference":
        """Return the difference with the changes of some kinds."""
        return replace(self, changes=tuple(change for change in self.changes if change.kind in kinds))
