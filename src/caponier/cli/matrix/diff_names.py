"""What the entries of a difference are called in print."""

from typing import Final

from caponier.matrix.evidence_gate import FOUNDING_MATRIX
from caponier.matrix.mapping.difference import Change, DifferenceKind, Facts
from caponier.matrix.versions.catalogue import Matrix

_STAYED: Final = (DifferenceKind.MOVED, DifferenceKind.CHANGED)

Titles = list[tuple[str, str]]
"""Ids with their names."""


def full_name(facts: Facts, matrix: Matrix) -> str:
    """Return the name of an entry after that of its parent: `Direct` alone says nothing.

    The names of 2020 can stand alone.
    """
    if facts.parent is None or facts.parent not in matrix or matrix.kind == FOUNDING_MATRIX:
        return facts.name
    return f"{matrix.technique(facts.parent).name}: {facts.name}"


def titles(change: Change, before: Matrix, after: Matrix) -> tuple[Titles, Titles]:
    """Return what stands on both sides of a change; only the older side for an entry that stayed and kept its name."""
    if change.kind is DifferenceKind.RENAMED:
        return [(facts.id, facts.name) for facts in change.before], [("", facts.name) for facts in change.after]
    old = [(facts.id, full_name(facts, before)) for facts in change.before]
    new = [(facts.id, full_name(facts, after)) for facts in change.after]
    return old, [] if change.kind in _STAYED else new


def note(change: Change) -> str:
    """Return what a change says beyond the names."""
    return "" if change.kind is DifferenceKind.RENAMED else change.note
