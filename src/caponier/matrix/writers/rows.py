"""Entries as plain data: the one place that decides which facts an entry shows, for every format."""

from typing import Any

from caponier.matrix import attack, crosswalk, failure_modes
from caponier.matrix.evidence import EvidenceSource
from caponier.matrix.mapping import attack_crosswalk
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix

COLUMNS = (
    "id",
    "name",
    "level",
    "parent",
    "tactics",
    "color",
    "attack",
    "atlas",
    "relation",
    "harms",
    "evidence",
    "v1_id",
    "same_as",
    "seen_in",
    "sources",
    "description",
)
"""Columns of a flat row, in order."""


def document(matrix: Matrix, technique: Technique) -> dict[str, Any]:
    """Return everything that is known about an entry, ready for JSON; what does not apply is left out."""
    full = {
        "id": technique.id,
        "name": technique.name,
        "level": technique.level.value,
        "parent": technique.parent,
        "tactics": [{"id": id_, "name": matrix.tactic(id_).name} for id_ in technique.tactics],
        "color": technique.color.value if technique.color else None,
        "harms": [harm.value for harm in technique.harms] if technique.color else None,
        "description": technique.description,
        "attack": [{"id": id_, "name": attack.name(id_)} for id_ in technique.attack_ids],
        "attack_basis": technique.attack_basis,
        "attack_crosswalk": _attack_crosswalk(technique),
        "crosswalk": _crosswalk(technique),
        "failure_modes": _failure_modes(technique),
        "evidence": _evidence(technique),
        "studies": [{"id": study.id, "name": study.name} for study in matrix.studies_of(technique.id)],
        "maturity": technique.maturity.value if technique.maturity else None,
        "v1_id": technique.v1_id,
        "same_as": technique.same_as,
        "seen_in": list(technique.seen_in),
    }
    # An empty list of harms is knowledge (the act only prepares others), so it stays.
    return {key: value for key, value in full.items() if value or (key == "harms" and value is not None)}


def tactic_document(tactic: Tactic) -> dict[str, Any]:
    """Return a tactic ready for JSON."""
    row = crosswalk.load().tactic(tactic.id)
    full = {
        "id": tactic.id,
        "name": tactic.name,
        "attack": tactic.attack,
        "atlas": list(row.atlas) if row else None,
        "v1_id": tactic.v1_id,
        "description": tactic.description,
    }
    return {key: value for key, value in full.items() if value}


def row(matrix: Matrix, technique: Technique) -> dict[str, str]:
    """Return an entry as one flat row of `COLUMNS`; lists are joined by `; `."""
    mapping = crosswalk.load().mapping(technique.id)
    lists = {
        "tactics": [matrix.tactic(id_).name for id_ in technique.tactics],
        "attack": technique.attack_ids,
        "atlas": mapping.atlas if mapping else (),
        "harms": technique.harms,
        "seen_in": technique.seen_in,
        "sources": [source.study.id for source in technique.evidence.sources] if technique.evidence else (),
    }
    plain = {
        "id": technique.id,
        "name": technique.name,
        "level": technique.level,
        "parent": technique.parent,
        "color": technique.color,
        "relation": mapping.relation if mapping else None,
        "evidence": technique.evidence.grade if technique.evidence else technique.maturity,
        "v1_id": technique.v1_id,
        "same_as": technique.same_as,
        "description": technique.description,
    }
    joined = {key: "; ".join(values) for key, values in lists.items()}
    return {column: joined.get(column) or str(plain.get(column) or "") for column in COLUMNS}


def _attack_crosswalk(technique: Technique) -> dict[str, Any] | None:
    walk = attack_crosswalk.load()
    mapping = walk.mapping(technique.id)
    if mapping is None:
        return None
    return {
        "to": f"{walk.target}-{walk.target_version}",
        "relation": mapping.relation.value,
        "ids": list(mapping.attack),
        "also": list(mapping.also),
        "reason": mapping.reason,
    }


def _crosswalk(technique: Technique) -> dict[str, Any] | None:
    walk = crosswalk.load()
    mapping = walk.mapping(technique.id)
    if mapping:
        return {
            "to": walk.target,
            "relation": mapping.relation.value,
            "ids": list(mapping.atlas),
            "also": list(mapping.also),
            "reason": mapping.reason,
        }
    back = [{"id": m.id, "relation": m.relation.value, "reason": m.reason} for m in walk.from_atlas(technique.id)]
    return {"from": walk.source, "entries": back} if back else None


def _failure_modes(technique: Technique) -> list[dict[str, Any]]:
    return [
        {"id": mode.id, "name": mode.name, "reason": mode.reason}
        | ({"relation": mode.relation.value} if technique.id in mode.ids else {})
        for mode in failure_modes.load().of(technique.id)
    ]


def _evidence(technique: Technique) -> dict[str, Any] | None:
    evidence = technique.evidence
    if evidence is None:
        return None
    sources = [_source(source) for source in evidence.sources]
    return {"grade": evidence.grade.value, "meaning": evidence.grade.words, "sources": sources}


def _source(source: EvidenceSource) -> dict[str, Any]:
    study = source.study
    known = {"study": study.id, "name": study.name, "date": study.when, "type": study.type.value, "url": study.url}
    right = study.disclosure
    more = {
        "through": list(source.through),
        "result": source.result,
        "system": source.system,
        "disclosure": {"way": right.way.value, "words": right.words} if right else None,
    }
    return known | {key: value for key, value in more.items() if value}
