"""Which entries of any ATLAS version stand for an entry of the 2020 matrix.

The crosswalk is written for one ATLAS version. For others its rows are carried on by what is known of ids that changed;
whatever was carried on says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from caponier.matrix import crosswalk
from caponier.matrix.crosswalk import Mapping, Relation, TacticMapping
from caponier.matrix.mapping import succession_table
from caponier.matrix.mapping.succession_table import ChangeKind, Row, Successors
from caponier.matrix.versions.catalogue import Matrix, load

_TARGET: Final = "atlas-5.6"
_WORDS: Final = {
    Relation.EXACT: "ATLAS means the same",
    Relation.BROADER: "ATLAS covers more",
    Relation.NARROWER: "ATLAS covers only a part",
    Relation.SPLIT: "several ATLAS entries cover it together",
    Relation.RELATED: "ATLAS has something that resembles it, but is another behaviour",
    Relation.NONE: "ATLAS has no counterpart",
}


@dataclass(frozen=True, slots=True)
class Correspondence:
    """An entry of the 2020 matrix and the entries of one ATLAS version that stand for it, best first."""

    id: str
    relation: Relation
    atlas: tuple[str, ...]
    reason: str
    note: str = ""
    """How it was carried on from the version that the crosswalk is written for."""
    sure: bool = True
    """False where something on that way changed its meaning, is missing, or was not checked."""
    also: tuple[str, ...] = ()
    """Related ATLAS entries worth showing next to it; they need not be in that version."""

    @property
    def needs_human(self) -> bool:
        """Whether a person must decide before what rests on the one may rest on the other."""
        return self.relation is not Relation.EXACT or not self.sure

    @property
    def said(self) -> str:
        """Relation, reason and note in words that hold from either side."""
        told = f"{_WORDS[self.relation]}: {self.reason}" if self.reason else _WORDS[self.relation]
        return f"{told}; {self.note}" if self.note else told


def techniques(atlas: Matrix) -> tuple[Correspondence, ...]:
    """Return the rows of all 2020 entries for an ATLAS version, in order of the 2020 matrix."""
    walk = crosswalk.load()
    newer = (
        {row.id: row for row in walk.newer_release.techniques} if _reaches(atlas, walk.newer_release.version) else {}
    )
    return tuple(
        _carried(newer[row.id], atlas, unchecked=not walk.newer_release.checked)
        if row.id in newer
        else _carried(row, atlas)
        for row in walk.techniques
    )


def tactics(atlas: Matrix) -> tuple[Correspondence, ...]:
    """Return the rows of all 2020 tactics for an ATLAS version."""
    known = {tactic.id for tactic in atlas.tactics}
    return tuple(_tactic(row, known) for row in crosswalk.load().tactics)


def _tactic(row: TacticMapping, known: set[str]) -> Correspondence:
    there = tuple(id_ for id_ in row.atlas if id_ in known)
    relation = Relation.SPLIT if len(there) > 1 else Relation.EXACT if there else Relation.NONE
    if relation is Relation.EXACT and row.note:
        relation = Relation.NARROWER
    return Correspondence(row.id, relation, there, row.note or "")


def _reaches(atlas: Matrix, release: str) -> bool:
    place = succession_table.place(atlas)
    first, second = map(int, release.split(".")[:2])
    return place is not None and place >= (first, second, 0)


def _carried(row: Mapping, atlas: Matrix, *, unchecked: bool = False) -> Correspondence:
    table, target = succession_table.load(), load(_TARGET)
    found, lost, turned = dict[str, None](), list[str](), list[Row]()
    for id_ in row.atlas:
        successors = Successors((id_,)) if id_ in atlas else table.successors(id_, atlas)
        found |= dict.fromkeys(successors.ids)
        lost += [] if successors.ids else [id_]
        turned += [*successors.rows, *table.turns(id_, target, atlas)]
    notes = [f"{', '.join(turn.before)} -> {', '.join(turn.after)} ({turn.said})" for turn in turned]
    missing = f"{atlas.version} does not have {', '.join(lost)}" if lost else ""
    # The reason speaks of entries that the version may not have at all.
    reason = row.reason if found or not row.atlas else missing
    notes += [missing] if missing and found else []
    if unchecked:
        notes.append("from public notes on a later release")
    elif notes or missing:
        notes.append(f"carried from {_TARGET} to {atlas.version}")
    sure = not (lost or unchecked or any(not turn.checked or turn.change is ChangeKind.MEANING for turn in turned))
    return Correspondence(row.id, _relation(row, found), tuple(found), reason, "; ".join(notes), sure, row.also)


def _relation(row: Mapping, found: Iterable[str]) -> Relation:
    count = len(tuple(found))
    if count == 0:
        return Relation.NONE
    return Relation.NARROWER if row.relation is Relation.SPLIT and count == 1 else row.relation
