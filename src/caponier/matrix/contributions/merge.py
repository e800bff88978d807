"""Contributions put where they belong: a new version of a matrix, beside the old one."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from caponier.matrix import evidence_gate
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.contributions.contribution import (
    Contribution,
    EvidenceProposal,
    StudyProposal,
    TechniqueProposal,
)
from caponier.matrix.evidence import EntryEvidence, EvidenceSource, Grade, Maturity, Study, StudyType
from caponier.matrix.technique import Level, Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.versions.release import Release

_WORDS: Final = {
    TechniqueProposal: "technique",
    EvidenceProposal: "evidence for",
    StudyProposal: "case study",
}
_VARIANT: Final = re.compile(r".*\.V[0-9]+")


def merge(base: Release, contributions: Sequence[Contribution], version: str, released: datetime.date) -> Release:
    """Return a new version that holds the old one and the contributions.

    Args:
        base: The version that they were reviewed against; nothing of it is changed but evidence, to which more comes.
        contributions: What the review had no error to object to.
        version: Name of the new version.
        released: Its day.

    Raises:
        CaponierError: If an entry that is new or changed has no evidence all the same.
    """
    matrix = base.matrix
    techniques = list(matrix.techniques)
    proposals = [one for one in contributions if isinstance(one, TechniqueProposal)]
    # A parent goes in before what is below it.
    for proposal in sorted(proposals, key=lambda one: (one.parent is not None, one.id)):
        _insert(techniques, proposal, matrix)
    for id_, source in _sources(contributions):
        techniques = [with_source(entry, source) if entry.id == id_ else entry for entry in techniques]
    studies = sorted((one.study for one in contributions if isinstance(one, StudyProposal)), key=lambda study: study.id)
    new = replace(
        matrix, version=version, released=released, techniques=tuple(techniques), studies=(*matrix.studies, *studies)
    )
    evidence_gate.admit([entry for entry in techniques if entry not in matrix.techniques], version)
    remark = f"{matrix.version} with {', '.join(map(_name, contributions))}"
    return replace(base, matrix=new, format="caponier", sha256="", remarks=(*base.remarks, remark))


def with_source(technique: Technique, source: EvidenceSource) -> Technique:
    """Return the entry with one source more; a source of the same study and the same words changes nothing."""
    there = technique.evidence or EntryEvidence(Grade.CONTRIBUTED)
    if source in there.sources:
        return technique
    # What has a source is no longer only listed.
    grade = Grade.CONTRIBUTED if there.grade is Grade.FOUNDING else there.grade
    evidence = EntryEvidence(grade, (*there.sources, source))
    return replace(technique, evidence=evidence, maturity=_maturity(technique.maturity, source))


def _maturity(known: Maturity | None, source: EvidenceSource) -> Maturity | None:
    """Return how far a technique of ATLAS has been seen to work, now that a source shows it on a real system."""
    if known is None or known is Maturity.REALIZED:
        return known
    return Maturity.REALIZED if source.study.type is StudyType.INCIDENT else Maturity.DEMONSTRATED


def _insert(techniques: list[Technique], proposal: TechniqueProposal, matrix: Matrix) -> None:
    siblings = [entry for entry in techniques if _siblings(entry, proposal)]
    entry = Technique(
        proposal.id,
        proposal.name,
        _level(proposal),
        proposal.tactics,
        max((sibling.position for sibling in siblings), default=0) + 1,
        proposal.parent,
        proposal.color,
        proposal.attack,
        harms=proposal.harms,
        description=proposal.description,
        # The word of its sources is put in below, where this version says of any entry how far it has come.
        maturity=Maturity.FEASIBLE if any(entry.maturity for entry in matrix.techniques) else None,
    )
    for claim in proposal.claims:
        entry = with_source(entry, claim.as_source())
    techniques.insert(_place(techniques, siblings, proposal), entry)


def _siblings(entry: Technique, proposal: TechniqueProposal) -> bool:
    if proposal.parent:
        return entry.parent == proposal.parent
    return entry.parent is None and entry.tactics[:1] == proposal.tactics[:1]


def _place(techniques: list[Technique], siblings: list[Technique], proposal: TechniqueProposal) -> int:
    """Return where the entry goes: behind its last sibling and all below that, or behind its parent."""
    before = siblings[-1].id if siblings else proposal.parent
    if before is None:
        return len(techniques)
    family = [place for place, entry in enumerate(techniques) if before in (entry.id, entry.parent)]
    return family[-1] + 1


def _level(proposal: TechniqueProposal) -> Level:
    if proposal.parent is None:
        return Level.TECHNIQUE
    return Level.VARIANT if _VARIANT.fullmatch(proposal.id) else Level.SUB_TECHNIQUE


def _sources(contributions: Sequence[Contribution]) -> list[tuple[str, EvidenceSource]]:
    """Return what comes to entries besides their own proposals: claims, and the steps of case studies."""
    sources: list[tuple[str, EvidenceSource]] = []
    for one in contributions:
        if isinstance(one, EvidenceProposal):
            sources += [(one.technique, claim.as_source()) for claim in one.claims]
        elif isinstance(one, StudyProposal):
            sources += _of_study(one.study)
    return sources


def _of_study(study: CaseStudy) -> list[tuple[str, EvidenceSource]]:
    plain = Study(study.id, study.name, study.type, study.date, study.precision, study.reference, study.disclosure)
    first = {step.technique: step for step in reversed(study.steps)}
    return [(id_, EvidenceSource(plain, result=step.summary, system=study.target)) for id_, step in first.items()]


def _name(one: Contribution) -> str:
    return f"{_WORDS[type(one)]} {one.about}"
