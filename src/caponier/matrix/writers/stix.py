"""A version as a bundle of STIX 2.1: attack-patterns, tactics, the matrix, and its case studies.

There is no course-of-action: the matrix suggests no defence.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from caponier.extras import needs
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.evidence import Precision, StudyType
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers.public_page import (
    attack_page,
    shortname,
    source_name,
    tactic_page,
    technique_page,
    web_address,
)
from caponier.matrix.writers.stix_names import IDENTITY, SPEC, identity, lifetime, moment, stix_id

_OBJECTS: Final = stix_id("extension-definition", "matrix objects")
_PROPERTIES: Final = stix_id("extension-definition", "matrix properties")
_OWN_PROPERTIES: Final = {
    "x_mitre_is_subtechnique": "whether the attack-pattern stands below another one in its column",
    "x_caponier_color": "kind of an entry of the 2020 matrix: orange (special to machine learning) or white (ATT&CK)",
    "x_caponier_harms": "which of confidentiality, integrity and availability of the ML system the act itself harms",
    "x_caponier_maturity": "how far ATLAS has seen the technique work: feasible, demonstrated or realized",
    "x_caponier_date": "when a case study happened, as far as it is known: a year, a month or a day",
    "x_caponier_target": "the ML system that a case study attacked",
    "x_caponier_strategy": "how the attackers of a case study went about it: traditional, adversarial-ml or combined",
}


def to_stix(matrix: Matrix, techniques: Iterable[Technique], studies: Iterable[CaseStudy] = ()) -> str:
    """Write entries and case studies of a version as a bundle; the same given, the same bytes.

    Args:
        matrix: The version.
        techniques: The entries.
        studies: Case studies; what their steps say of other entries is left out.

    Raises:
        MissingExtraError: If the library for STIX is not installed.
    """
    entries = {technique.id: technique for technique in techniques}
    plain = [*_frame(matrix), *_patterns(matrix, entries), *_stories(matrix, entries, studies)]
    with needs("stix", "writing STIX"):
        import stix2  # type: ignore[import-untyped]
    # The library checks each object against the specification, but for the two kinds that only ATT&CK and ATLAS have.
    id_ = stix_id("bundle", matrix.version, *(one["id"] for one in plain))
    bundle = stix2.v21.Bundle(plain, id=id_, allow_custom=True)
    return json.dumps(json.loads(bundle.serialize(), object_pairs_hook=_in_order), indent=2, ensure_ascii=False) + "\n"


def _in_order(properties: list[tuple[str, Any]]) -> dict[str, Any]:
    """Put custom properties behind the others, by name: the library takes them in the order of a set."""
    return dict(sorted(properties, key=lambda one: one[0] if one[0].startswith("x_") else ""))


def pattern_id(matrix: Matrix, id_: str) -> str:
    """Return the STIX id of a technique, the same in all versions of the kind of matrix."""
    return stix_id("attack-pattern", matrix.kind, id_)


def _frame(matrix: Matrix) -> Iterator[dict[str, Any]]:
    """Write who says all this, what the new kinds mean, and the matrix with its tactics."""
    yield identity()
    yield from _definitions()
    ids = [stix_id("x-mitre-tactic", matrix.kind, tactic.id) for tactic in matrix.tactics]
    yield {
        **_head(matrix, "x-mitre-matrix", "matrix"),
        "name": matrix.name,
        "description": f"Version {matrix.version}",
        "tactic_refs": ids,
        "external_references": [{"source_name": source_name(matrix.kind), "external_id": matrix.version}],
        "extensions": {_OBJECTS: {"extension_type": "new-sdo"}},
    }
    for tactic in matrix.tactics:
        yield {
            **_head(matrix, "x-mitre-tactic", tactic.id),
            "name": tactic.name,
            **_described(tactic.description),
            "x_mitre_shortname": shortname(tactic),
            "external_references": _references(matrix, tactic.id, tactic_page(matrix, tactic.id), _attack_of(tactic)),
            "extensions": {_OBJECTS: {"extension_type": "new-sdo"}},
        }


def _definitions() -> Iterator[dict[str, Any]]:
    shared = {"spec_version": SPEC, "created_by_ref": IDENTITY, **lifetime(None), "version": "1.0.0"}
    yield {
        "type": "extension-definition",
        "id": _OBJECTS,
        **shared,
        "name": "Matrix and tactic",
        "description": "The columns of a threat matrix, as ATT&CK and ATLAS have them in STIX.",
        "schema": "x-mitre-matrix: name, description, tactic_refs (its tactics in order). "
        "x-mitre-tactic: name, description, x_mitre_shortname (the phase_name of its kill chain phase).",
        "extension_types": ["new-sdo"],
    }
    yield {
        "type": "extension-definition",
        "id": _PROPERTIES,
        **shared,
        "name": "Facts of a threat matrix",
        "description": "What a matrix knows of techniques and case studies beyond the properties of STIX.",
        "schema": "; ".join(f"{name}: {meaning}" for name, meaning in _OWN_PROPERTIES.items()),
        "extension_types": ["toplevel-property-extension"],
        "extension_properties": list(_OWN_PROPERTIES),
    }


def _patterns(matrix: Matrix, entries: Mapping[str, Technique]) -> Iterator[dict[str, Any]]:
    for entry in entries.values():
        yield _pattern(matrix, entry)
    for entry in entries.values():
        if entry.parent in entries:
            yield _relationship(matrix, "subtechnique-of", entry.id, str(entry.parent))
        if entry.same_as in entries:
            yield _relationship(matrix, "related-to", entry.id, str(entry.same_as))


def _pattern(matrix: Matrix, entry: Technique) -> dict[str, Any]:
    own = {
        "x_mitre_is_subtechnique": entry.parent is not None,
        "x_caponier_color": entry.color.value if entry.color else None,
        "x_caponier_harms": [harm.value for harm in entry.harms] or None,
        "x_caponier_maturity": entry.maturity.value if entry.maturity else None,
    }
    chain = source_name(matrix.kind)
    phases = [{"kill_chain_name": chain, "phase_name": shortname(matrix.tactic(id_))} for id_ in entry.tactics]
    return {
        **_head(matrix, "attack-pattern", entry.id),
        "name": entry.name,
        **_described(entry.description),
        "kill_chain_phases": phases,
        "external_references": [
            *_references(matrix, entry.id, technique_page(matrix, entry.id), entry.attack_ids),
            *_sources(entry),
        ],
        **_extended(own),
    }


def _sources(entry: Technique) -> list[dict[str, Any]]:
    """Write what shows that an entry works as references, so that they stand where an analyst looks for them."""
    sources = entry.evidence.sources if entry.evidence else ()
    return [
        {
            "source_name": source.study.id,
            "description": f"{source.study.name} ({source.study.type.value}, {source.study.when})",
            **_address(source.study.url),
        }
        for source in sources
    ]


def _stories(
    matrix: Matrix, entries: Mapping[str, Technique], studies: Iterable[CaseStudy]
) -> Iterator[dict[str, Any]]:
    """Write an incident as a campaign that used techniques, and an exercise, which harmed nobody, as a report."""
    for study in studies:
        # What a step says of an entry that is not written would point nowhere.
        known = list(dict.fromkeys(step.technique for step in study.steps if step.technique in entries))
        if study.type is StudyType.INCIDENT:
            yield _campaign(matrix, study)
            for technique in known:
                summaries = [step.summary for step in study.steps if step.technique == technique and step.summary]
                yield _relationship(matrix, "uses", study.id, technique, "campaign", " ".join(summaries))
        elif known:
            yield _report(matrix, study, known)


def _campaign(matrix: Matrix, study: CaseStudy) -> dict[str, Any]:
    exact = study.date is not None and study.precision is Precision.DAY
    seen = {"first_seen": moment(study.date)} if exact and study.date else {}
    return {**_head(matrix, "campaign", study.id), **_story(study), **seen}


def _report(matrix: Matrix, study: CaseStudy, techniques: Iterable[str]) -> dict[str, Any]:
    head = _head(matrix, "report", study.id)
    return {
        **head,
        **_story(study),
        "report_types": ["attack-pattern"],
        "published": moment(study.date) if study.date else head["created"],
        "object_refs": [pattern_id(matrix, id_) for id_ in techniques],
    }


def _story(study: CaseStudy) -> dict[str, Any]:
    own = {
        "x_caponier_date": study.when if study.date else None,
        "x_caponier_target": study.target or None,
        "x_caponier_strategy": study.strategy.value if study.strategy else None,
    }
    addresses = dict.fromkeys(filter(None, (study.url, *study.references)))
    reports = [{"source_name": "report", **address} for url in addresses if (address := _address(url))]
    return {
        "name": study.name,
        **_described(study.summary),
        "external_references": [{"source_name": "case-study", "external_id": study.id}, *reports],
        **_extended(own),
    }


def _relationship(
    matrix: Matrix, type_: str, source: str, target: str, source_type: str = "attack-pattern", words: str = ""
) -> dict[str, Any]:
    return {
        **_head(matrix, "relationship", type_, source, target),
        "relationship_type": type_,
        **_described(words),
        "source_ref": stix_id(source_type, matrix.kind, source),
        "target_ref": pattern_id(matrix, target),
    }


def _head(matrix: Matrix, type_: str, *names: str) -> dict[str, Any]:
    return {
        "type": type_,
        "spec_version": SPEC,
        "id": stix_id(type_, matrix.kind, *names),
        "created_by_ref": IDENTITY,
        **lifetime(matrix.released),
    }


def _references(matrix: Matrix, id_: str, page: str | None, attack_ids: Iterable[str]) -> list[dict[str, Any]]:
    own = {"source_name": source_name(matrix.kind), "external_id": id_, **_address(page)}
    others = [id_ for id_ in attack_ids if matrix.kind != "attack"]
    return [
        own,
        *({"source_name": "mitre-attack", "external_id": other, "url": attack_page(other)} for other in others),
    ]


def _attack_of(tactic: Tactic) -> tuple[str, ...]:
    return (tactic.attack,) if tactic.attack else ()


def _extended(own: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in own.items() if value is not None}
    extension = {"extensions": {_PROPERTIES: {"extension_type": "toplevel-property-extension"}}}
    return {**given, **extension} if given else {}


def _described(words: str) -> dict[str, str]:
    return {"description": words} if words else {}


def _address(url: str | None) -> dict[str, str]:
    address = web_address(url) if url else None
    return {"url": address} if address else {}
