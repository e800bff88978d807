"""What changed between two versions of a matrix, entry by entry."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from caponier.errors import InputError
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.crosswalk import Relation
from caponier.matrix.evidence_gate import FOUNDING_MATRIX
from caponier.matrix.mapping import correspondence, succession_table
from caponier.matrix.mapping.correspondence import Correspondence
from caponier.matrix.mapping.difference import Change, Difference, DifferenceKind, Facts, Noun, Side
from caponier.matrix.mapping.lineage import Link, links
from caponier.matrix.mapping.succession_table import ChangeKind, Row, SuccessionTable
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix

_CROSSED: Final = (
    "The two matrices have no id in common: what stands for what is this project's own crosswalk, with a reason a line."
)
_Entry = Tactic | Technique | CaseStudy
_Side = Mapping[str, Facts]


def compare(before: Matrix, after: Matrix, table: SuccessionTable | None = None) -> Difference:
    """Compare two versions of a matrix, or the 2020 matrix with a version of ATLAS.

    Every entry takes part, those included that were only shown in research.

    Args:
        before: The version to start from; it need not be the older one.
        after: The other version.
        table: What is known of ids that changed; what ships with the package if not given.

    Raises:
        InputError: If the two are no versions of one matrix and no crosswalk joins them.
    """
    table = table or succession_table.load()
    kinds = (before.kind, after.kind)
    remarks: tuple[str, ...] = (_CROSSED,)
    if before.kind == after.kind:
        changes, remarks = _by_id(before, after, table), tuple(_remarks(before, after))
    elif kinds == (FOUNDING_MATRIX, "atlas"):
        changes = _across(before, after)
    elif kinds == ("atlas", FOUNDING_MATRIX):
        changes = [change.mirrored for change in _across(after, before)]
    else:
        raise InputError(
            f"{before.version} and {after.version} are not versions of one matrix",
            hint="How entries map to ATT&CK is a reference, not a version: see it with caponier matrix show ID.",
        )
    return Difference(_side(before), _side(after), tuple(sorted(changes, key=_rank)), remarks)


def _rank(change: Change) -> tuple[int, int, str, tuple[str, ...], str]:
    others = tuple(facts.id for facts in (*change.before, *change.after))
    return list(DifferenceKind).index(change.kind), list(Noun).index(change.noun), change.id, others, change.note


def _side(matrix: Matrix) -> Side:
    ids = (frozenset(_facts_by_id(matrix, noun)) for noun in Noun)
    return Side(matrix.version, *ids)


def _facts_by_id(matrix: Matrix, noun: Noun) -> _Side:
    nouns: Mapping[Noun, Sequence[_Entry]] = {
        Noun.TACTIC: matrix.tactics,
        Noun.TECHNIQUE: matrix.techniques,
        Noun.STUDY: matrix.studies,
    }
    return {entry.id: _facts(entry) for entry in nouns[noun]}


def _facts(entry: _Entry) -> Facts:
    if isinstance(entry, Technique):
        sources = tuple(source.study.id for source in entry.evidence.sources) if entry.evidence else ()
        return Facts(
            entry.id, entry.name, entry.tactics, entry.parent, entry.maturity, entry.attack_ids, sources=sources
        )
    if isinstance(entry, Tactic):
        return Facts(entry.id, entry.name, attack=(entry.attack,) if entry.attack else ())
    return Facts(entry.id, entry.name, steps=tuple(step.technique for step in entry.steps))


# Versions of one matrix.


def _by_id(before: Matrix, after: Matrix, table: SuccessionTable) -> list[Change]:
    changes: list[Change] = []
    for noun in Noun:
        old, new = _facts_by_id(before, noun), _facts_by_id(after, noun)
        known = links(before, after, old, new, table)
        changes += [_linked(link, noun, old, new) for link in known]
        changes += _removed(noun, old, new, known, (before, after), table)
        changes += _added(noun, old, new, known)
        for id_ in old.keys() & new.keys():
            changes += _altered(noun, old[id_], new[id_], before, after)
    if before.kind == table.matrix:
        changes += _turned(before, after, table)
    return changes


def _linked(link: Link, noun: Noun, old: _Side, new: _Side) -> Change:
    several = len(link.before) > 1, len(link.after) > 1
    kind = {(True, False): DifferenceKind.MERGED, (False, True): DifferenceKind.SPLIT}.get(
        several, DifferenceKind.REPLACED
    )
    before, after = tuple(old[id_] for id_ in link.before), tuple(new[id_] for id_ in link.after)
    id_ = link.after[0] if kind is DifferenceKind.MERGED else link.before[0]
    return Change(
        kind, noun, id_, before, after, link.note, needs_human=kind is not DifferenceKind.REPLACED or not link.sure
    )


def _removed(
    noun: Noun, old: _Side, new: _Side, known: Sequence[Link], ends: tuple[Matrix, Matrix], table: SuccessionTable
) -> Iterator[Change]:
    led_on = {id_ for link in known for id_ in link.before}
    for id_ in old.keys() - new.keys() - led_on:
        note, unknown = _why_removed(id_, *ends)
        origins = table.origins(id_, *ends) if ends[0].kind == table.matrix else ()
        held = [row for row in origins if row.before[0] in new]
        note += "".join(f"; {row.before[0]} held its meaning ({row.said})" for row in held)
        nearest = tuple(dict.fromkeys(row.before[0] for row in held))
        yield Change(DifferenceKind.REMOVED, noun, id_, (old[id_],), (), note, True, unknown, nearest)


def _why_removed(id_: str, before: Matrix, after: Matrix) -> tuple[str, bool]:
    """Return what is known of an id that is gone, and whether it is unknown what took over."""
    retired = next((retired for retired in after.retired if retired.id == id_), None)
    if retired and retired.replaced_by is None:
        return f"{after.version} says that it was taken back, and names nothing in its place", False
    if retired:
        return f"successor unknown: {after.version} names {retired.replaced_by}, which it does not have", True
    if succession_table.is_older(after, before):
        return f"successor unknown; {after.version} is older", True
    return "successor unknown", True


def _added(noun: Noun, old: _Side, new: _Side, known: Sequence[Link]) -> Iterator[Change]:
    led_to = {id_ for link in known for id_ in link.after}
    for id_ in new.keys() - old.keys() - led_to:
        yield Change(DifferenceKind.ADDED, noun, id_, (), (new[id_],))


def _altered(noun: Noun, old: Facts, new: Facts, before: Matrix, after: Matrix) -> Iterator[Change]:
    def change(kind: DifferenceKind, notes: Sequence[str], *, needs_human: bool = False) -> Iterator[Change]:
        if notes:
            yield Change(kind, noun, old.id, (old,), (new,), "; ".join(notes), needs_human)

    yield from change(DifferenceKind.RENAMED, [f"{old.name} -> {new.name}"] if old.name != new.name else [])
    lost = bool(set(old.tactics) - set(new.tactics))
    yield from change(DifferenceKind.MOVED, [*_moves(old, new, before, after)], needs_human=lost)
    yield from change(DifferenceKind.CHANGED, [*_fact_changes(old, new, before, after)])


def _moves(old: Facts, new: Facts, before: Matrix, after: Matrix) -> Iterator[str]:
    if set(old.tactics) != set(new.tactics):
        yield f"{_tactic_names(old, before)} -> {_tactic_names(new, after)}"
    if old.parent != new.parent:
        yield f"parent {old.parent or 'none'} -> {new.parent or 'none'}"


def _tactic_names(facts: Facts, matrix: Matrix) -> str:
    return ", ".join(tactic.name for tactic in matrix.tactics if tactic.id in facts.tactics) or "no tactic"


def _fact_changes(old: Facts, new: Facts, before: Matrix, after: Matrix) -> Iterator[str]:
    if old.maturity is not new.maturity and _tells_maturity(before) and _tells_maturity(after):
        yield f"maturity {old.maturity or 'not told'} -> {new.maturity or 'not told'}"
    if set(old.attack) != set(new.attack) and _tells_attack(before) and _tells_attack(after):
        yield f"ATT&CK {', '.join(old.attack) or 'none'} -> {', '.join(new.attack) or 'none'}"
    if set(old.sources) != set(new.sources) and before.kind == after.kind == FOUNDING_MATRIX:
        gone, come = sorted({*old.sources} - {*new.sources}), sorted({*new.sources} - {*old.sources})
        yield f"evidence: {', '.join([*(f'-{id_}' for id_ in gone), *(f'+{id_}' for id_ in come)])}"
    if old.steps != new.steps and _tells_steps(before) and _tells_steps(after):
        yield f"steps: {_step_changes(old, new)}"


def _step_changes(old: Facts, new: Facts) -> str:
    fewer, more = Counter(old.steps) - Counter(new.steps), Counter(new.steps) - Counter(old.steps)
    signs = [f"-{id_}" for id_ in fewer.elements()] + [f"+{id_}" for id_ in more.elements()]
    return ", ".join(signs) or "another order"


def _tells_maturity(matrix: Matrix) -> bool:
    return any(technique.maturity for technique in matrix.techniques)


def _tells_attack(matrix: Matrix) -> bool:
    return any(technique.attack for technique in matrix.techniques)


def _tells_steps(matrix: Matrix) -> bool:
    return any(study.steps for study in matrix.studies)


def _remarks(before: Matrix, after: Matrix) -> Iterator[str]:
    # An older file format without the field is no change of every entry.
    for matrix, other in ((before, after), (after, before)):
        if _tells_maturity(other) and not _tells_maturity(matrix):
            yield f"{matrix.version} tells no maturity, so that was not compared."
        if _tells_attack(other) and not _tells_attack(matrix):
            yield f"{matrix.version} tells no ATT&CK ids, so those were not compared."


def _turned(before: Matrix, after: Matrix, table: SuccessionTable) -> Iterator[Change]:
    old, new = _facts_by_id(before, Noun.TECHNIQUE), _facts_by_id(after, Noun.TECHNIQUE)
    for id_ in old.keys() & new.keys():
        for row in table.turns(id_, before, after):
            if row.change is ChangeKind.MEANING:
                nearest = tuple(other for other in row.after if other in new and other != id_)
                note = f"meaning: {row.said}"
                yield Change(
                    DifferenceKind.CHANGED,
                    Noun.TECHNIQUE,
                    id_,
                    (old[id_],),
                    (new[id_],),
                    note,
                    needs_human=True,
                    nearest=nearest,
                )
            else:
                yield from _divided(row, old, new)
                # A part says more than the whole: on the way back somebody must want that.
                yield from (replace(change.mirrored, needs_human=True) for change in _divided(row, new, old))


def _divided(row: Row, old: _Side, new: _Side) -> Iterator[Change]:
    parts = tuple(new[part] for part in row.after if part in new and part not in old)
    if parts:
        whole, note = row.before[0], f"it stays as the parent of its parts; {row.said}"
        yield Change(DifferenceKind.SPLIT, Noun.TECHNIQUE, whole, (old[whole],), parts, note)


# The 2020 matrix and a version of ATLAS.


def _across(founding: Matrix, atlas: Matrix) -> list[Change]:
    changes: list[Change] = []
    for noun, rows in (
        (Noun.TACTIC, correspondence.tactics(atlas)),
        (Noun.TECHNIQUE, correspondence.techniques(atlas)),
        (Noun.STUDY, _studies(founding, atlas)),
    ):
        old, new = _facts_by_id(founding, noun), _facts_by_id(atlas, noun)
        by_id = {row.id: row for row in rows}
        used = {id_ for row in rows if row.id in old for id_ in row.atlas}
        changes += [_crossed(noun, facts, by_id.get(facts.id), new) for facts in old.values()]
        note = f"nothing in {founding.version} stands for it"
        changes += [Change(DifferenceKind.ADDED, noun, id_, (), (new[id_],), note) for id_ in new.keys() - used]
    return changes


def _crossed(noun: Noun, old: Facts, row: Correspondence | None, new: _Side) -> Change:
    if row is None:
        note = "successor unknown: the crosswalk has no row for it"
        return Change(DifferenceKind.REMOVED, noun, old.id, (old,), (), note, needs_human=True, unknown=True)
    nearest = tuple(id_ for id_ in row.also if id_ in new)
    if not row.atlas:
        return Change(DifferenceKind.REMOVED, noun, old.id, (old,), (), row.said, needs_human=True, nearest=nearest)
    kind = DifferenceKind.SPLIT if len(row.atlas) > 1 else DifferenceKind.REPLACED
    after = tuple(new[id_] for id_ in row.atlas)
    return Change(kind, noun, old.id, (old,), after, row.said, row.needs_human, nearest=nearest)


def _studies(founding: Matrix, atlas: Matrix) -> tuple[Correspondence, ...]:
    there = {study.id for study in atlas.studies}
    back = {study.same_as: study.id for study in atlas.studies if study.same_as}
    rows = []
    for study in founding.studies:
        same = next((id_ for id_ in (study.same_as, back.get(study.id), study.id) if id_ in there), None)
        relation = Relation.EXACT if same else Relation.NONE
        rows.append(Correspondence(study.id, relation, (same,) if same else (), ""))
    return tuple(rows)
