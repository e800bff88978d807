"""The content of a STIX bundle of MITRE, for any of its matrices: techniques, parents, retirements and the rest."""

import re
from dataclasses import dataclass
from typing import Final

from caponier.matrix.technique import Level, Retirement, Technique
from caponier.matrix.versions.loaders.draft import Draft
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.stix_bundle import (
    Bundle,
    end,
    external_id,
    is_in_force,
    tactics_in_order,
    tactics_of,
)
from caponier.matrix.versions.release import Countermeasure

_ATTACK: Final = "mitre-attack"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one matrix writes its bundle."""

    source: str
    """Name of its ids among external references, and of its kill chain."""
    tactic: re.Pattern[str]
    technique: re.Pattern[str]
    countermeasure: re.Pattern[str]

    def attack_id(self, row: Part) -> str | None:
        """Return the ATT&CK id that an object of another matrix refers to."""
        if self.source == _ATTACK:
            return None
        references = (reference for reference in row.rows("external_references") if reference.has("external_id"))
        named = (r.name("external_id") for r in references if r.value.get("source_name") == _ATTACK)
        return next(named, None)


def read_bundle(bundle: Bundle, dialect: Dialect, draft: Draft) -> None:
    """Read all objects in force into the draft, and those that are not as retired.

    Raises:
        InputError: If an object lacks its id, or names one that is not there.
    """
    tactics = tactics_in_order(bundle, dialect.source, dialect.tactic)
    draft.tactics += tactics.values()
    ids = {
        row.name("id"): _technique_id(row, dialect) for row in bundle.of("attack-pattern") if _is_named(row, dialect)
    }
    parents = _parents(bundle, ids)
    for row in bundle.of("attack-pattern"):
        stix_id = row.name("id")
        if not is_in_force(row):
            continue
        id_ = _technique_id(row, dialect)
        parent = parents.get(stix_id)
        if row.value.get("x_mitre_is_subtechnique") is True and parent is None:
            raise row.wrong(f"{id_} is a sub-technique, but no relationship says of which technique")
        columns = tactics_of(row, dialect.source, tactics)
        level = Level.SUB_TECHNIQUE if parent else Level.TECHNIQUE
        draft.techniques.append(
            Technique(
                id_,
                row.name("name"),
                level,
                columns,
                position=1,
                parent=parent,
                attack=dialect.attack_id(row),
                description=row.prose("description"),
            )
        )
    draft.retired += _retired(bundle, ids)
    draft.countermeasures += _countermeasures(bundle, dialect, ids)


def _is_named(row: Part, dialect: Dialect) -> bool:
    """Tell whether an object has an id; very old objects that are out of force have lost theirs."""
    references = row.rows("external_references")
    return is_in_force(row) or any(r.value.get("source_name") == dialect.source for r in references)


def _technique_id(row: Part, dialect: Dialect) -> str:
    return external_id(row, dialect.source, dialect.technique, "a technique")


def _parents(bundle: Bundle, ids: dict[str, str]) -> dict[str, str]:
    """Return the id of the parent by the STIX id of the child."""
    found: dict[str, str] = {}
    for link, child, parent in bundle.links("subtechnique-of"):
        below, above = end(bundle, link, child), end(bundle, link, parent)
        if not is_in_force(below):
            continue
        if parent not in ids or not is_in_force(above):
            raise link.wrong(f"{ids.get(child, child)} stands under {ids.get(parent, parent)}, which is not in force")
        if found.setdefault(child, ids[parent]) != ids[parent]:
            raise link.wrong(f"{ids.get(child, child)} stands under two techniques")
    return found


def _retired(bundle: Bundle, ids: dict[str, str]) -> list[Retirement]:
    instead = {old: ids.get(new) for _, old, new in bundle.links("revoked-by") if old in ids}
    gone = [row for row in bundle.of("attack-pattern") if not is_in_force(row) and row.name("id") in ids]
    in_force = {ids[row.name("id")] for row in bundle.of("attack-pattern") if is_in_force(row)}
    found: dict[str, Retirement] = {}
    for row in gone:
        id_ = ids[row.name("id")]
        # An id that was given again to another object lives on; the sub-technique that it became is no replacement.
        if id_ not in in_force and (id_ not in found or found[id_].replaced_by is None):
            found[id_] = Retirement(id_, row.name("name"), instead.get(row.name("id")))
    return list(found.values())


def _countermeasures(bundle: Bundle, dialect: Dialect, ids: dict[str, str]) -> list[Countermeasure]:
    against: dict[str, list[str]] = {}
    for link, source, target in bundle.links("mitigates"):
        if is_in_force(end(bundle, link, target)) and target in ids:
            against.setdefault(source, []).append(ids[target])
    return [
        Countermeasure(
            external_id(row, dialect.source, dialect.countermeasure, "a counter-measure"),
            row.name("name"),
            tuple(dict.fromkeys(against.get(row.name("id"), ()))),
        )
        for row in bundle.of("course-of-action")
        if is_in_force(row)
    ]
