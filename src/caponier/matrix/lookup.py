"""Find entries by whatever id a user has at hand: 2020, ATLAS, ATT&CK, MITRE's first data release, a failure mode."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from caponier.errors import InputError
from caponier.matrix import attack, failure_modes
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.failure_modes import FailureMode
from caponier.matrix.mapping import attack_crosswalk, succession_table
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix, load, nearest, versions

_ATTACK_ID = re.compile(r"TA?\d{4}(\.\d{3})?")


@dataclass(frozen=True, slots=True)
class Found:
    """What an id stands for: a tactic with its top entries, a case study with those of its steps, or entries."""

    id: str
    matrix: Matrix
    techniques: tuple[Technique, ...]
    tactic: Tactic | None = None
    study: CaseStudy | None = None
    remark: str | None = None
    """How the id led there, if it is not the id of what was found."""


def look_up(text: str, matrices: Sequence[Matrix] | None = None) -> Found:
    """Find what an id stands for, in any case of letters.

    Args:
        text: The id.
        matrices: Where to look, the wanted version first: its entries are what an ATT&CK id stands for, while other
            ids say themselves where they belong. All versions that ship if not given.

    Raises:
        InputError: If nothing has that id; it names the nearest.
    """
    id_ = text.strip().upper()
    matrices = [load(version) for version in versions()] if matrices is None else list(matrices)
    if mode := failure_modes.load().named(text):
        return _by_failure_mode(mode)
    for matrix in matrices:
        found = _by_own_id(matrix, id_) or _by_first_id(matrix, id_)
        if found:
            return found
    if _ATTACK_ID.fullmatch(id_):
        for matrix in matrices:
            found = _by_attack_id(matrix, id_)
            if found:
                return found
        return _by_attack_facts(id_, matrices)
    raise InputError(f"nothing has the id {text!r}", hint=_mend(id_, matrices))


def _by_own_id(matrix: Matrix, id_: str) -> Found | None:
    if id_ in matrix:
        return Found(id_, matrix, (matrix.technique(id_),))
    tactic = next((tactic for tactic in matrix.tactics if tactic.id == id_), None)
    if tactic:
        return _column(matrix, id_, tactic)
    study = next((study for study in matrix.studies if study.id == id_), None)
    return _steps(matrix, id_, study) if study else None


def _steps(matrix: Matrix, id_: str, study: CaseStudy) -> Found:
    # A step may name an id of another matrix.
    shown = dict.fromkeys(step.technique for step in study.steps if step.technique in matrix)
    return Found(id_, matrix, tuple(matrix.technique(technique) for technique in shown), study=study)


def _by_first_id(matrix: Matrix, id_: str) -> Found | None:
    remark = f"{id_} is the id in MITRE's first data release of March 2021"
    entries = tuple(technique for technique in matrix.techniques if technique.v1_id == id_)
    if entries:
        return Found(id_, matrix, entries, remark=remark)
    tactic = next((tactic for tactic in matrix.tactics if tactic.v1_id == id_), None)
    return _column(matrix, id_, tactic, remark) if tactic else None


def _by_failure_mode(mode: FailureMode) -> Found:
    matrix = load(failure_modes.load().matrix)
    entries = tuple(matrix.technique(id_) for id_ in mode.ids)
    remark = f"{mode.id} {mode.name} is a failure mode of 2019 ({mode.relation.words}): {mode.reason}"
    return Found(mode.id, matrix, entries, remark=remark)


def _by_attack_id(matrix: Matrix, id_: str) -> Found | None:
    known = attack.name(id_)
    remark = (
        f"{id_}{f' {known}' if known else ''} is from ATT&CK Enterprise; this is what carries it in {matrix.version}"
    )
    if entries := matrix.carrying(id_):
        return Found(id_, matrix, entries, remark=remark)
    tactic = next((tactic for tactic in matrix.tactics if tactic.attack == id_), None)
    return _column(matrix, id_, tactic, remark) if tactic else None


def _by_attack_facts(id_: str, matrices: Sequence[Matrix]) -> Found:
    """Find what is mapped to an ATT&CK id that nothing carries, or else what stands in its place or above it."""
    known = attack.name(id_)
    if known is None:
        raise InputError(f"nothing has the id {id_!r}", hint=_mend(id_, matrices))
    if rows := attack_crosswalk.load().from_attack(id_):
        matrix = load(attack_crosswalk.load().source)
        remark = f"{id_} {known} is from ATT&CK Enterprise; nothing carries it, and this is what is mapped to it"
        return Found(id_, matrix, tuple(matrix.technique(row.id) for row in rows), remark=remark)
    gone = attack.retired(id_)
    parent, _, sub = id_.partition(".")
    instead = gone.replaced_by if gone else parent if sub else None
    if instead is None:
        raise InputError(
            f"{id_} {known} is from ATT&CK Enterprise, but no entry carries it or is mapped to it",
            hint="Search by words with: caponier matrix search WORDS",
        )
    how = f"has become {instead}" if gone else f"is a sub-technique of {instead}"
    found = look_up(instead, matrices)
    return replace(found, remark=f"{id_} {known} {how}; {found.remark}")


def _column(matrix: Matrix, id_: str, tactic: Tactic, remark: str | None = None) -> Found:
    entries = next(entries for column, entries in matrix.columns() if column is tactic)
    return Found(id_, matrix, entries, tactic, remark=remark)


def _mend(id_: str, matrices: Sequence[Matrix]) -> str:
    changes = succession_table.load()
    if brought := changes.older_id(id_):
        old = brought.before[0]
        return f"ATLAS {brought.release} gave this id to {old}. Try: caponier matrix show {old}"
    if taken := changes.newer_id(id_):
        new = taken.after[0]
        return f"ATLAS {taken.release} put {new} in its place. Try: caponier matrix show {new}"
    known = [tactic.id for matrix in matrices for tactic in matrix.tactics]
    known += [t.id for matrix in matrices for t in matrix.techniques]
    known += [study.id for matrix in matrices for study in matrix.studies]
    known += [t.v1_id for matrix in matrices for t in matrix.techniques if t.v1_id]
    known += [attack_id for matrix in matrices for t in matrix.techniques for attack_id in t.attack_ids]
    return nearest(id_, known)
