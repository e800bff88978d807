"""A contribution that can be taken: what somebody adds to a matrix, complete in every field."""

import datetime
import hashlib
from dataclasses import dataclass

from caponier.matrix.case_study import CaseStudy, Strategy, StudyStep
from caponier.matrix.contributions.contribution_form import ContributionForm, day_of
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.evidence import Disclosure, EvidenceSource, Precision, Study, StudyType, Way
from caponier.matrix.technique import Color, Harm


@dataclass(frozen=True, slots=True)
class Claim:
    """One public source, and what it showed of an entry on which real system."""

    source: str
    """Its address."""
    title: str
    date: datetime.date
    precision: Precision
    result: str
    system: str
    type: StudyType
    disclosure: Disclosure

    def as_source(self) -> EvidenceSource:
        """Return it as evidence for an entry; the same address always gives the same study."""
        # A report has no number that everybody knows it by.
        id_ = f"REPORT.{hashlib.sha256(self.source.encode()).hexdigest()[:10]}"
        study = Study(id_, self.title, self.type, self.date, self.precision, self.source, self.disclosure)
        return EvidenceSource(study, result=self.result, system=self.system)


@dataclass(frozen=True, slots=True)
class TechniqueProposal:
    """A new entry."""

    id: str
    name: str
    tactics: tuple[str, ...]
    parent: str | None
    color: Color | None
    attack: str | None
    description: str
    harms: tuple[Harm, ...]
    claims: tuple[Claim, ...]

    @property
    def about(self) -> str:
        """Id of what it adds or adds to."""
        return self.id


@dataclass(frozen=True, slots=True)
class EvidenceProposal:
    """More evidence for an entry."""

    technique: str
    claims: tuple[Claim, ...]

    @property
    def about(self) -> str:
        """Id of what it adds or adds to."""
        return self.technique


@dataclass(frozen=True, slots=True)
class StudyProposal:
    """A case study, which is evidence for every entry that its steps name."""

    study: CaseStudy

    @property
    def about(self) -> str:
        """Id of what it adds or adds to."""
        return self.study.id


Contribution = TechniqueProposal | EvidenceProposal | StudyProposal


def contribution_of(sheet: ContributionForm) -> Contribution:
    """Return the contribution that a sheet holds, to which the review had no issue that is an error."""
    if sheet.kind is ContributionKind.TECHNIQUE:
        return TechniqueProposal(
            sheet.text("id"),
            sheet.text("name"),
            sheet.texts("tactics"),
            sheet.text("parent") or None,
            Color(sheet.text("color")) if sheet.text("color") else None,
            sheet.text("attack") or None,
            sheet.text("description"),
            tuple(harm for harm in Harm if harm in sheet.texts("harms")),
            _claims(sheet),
        )
    if sheet.kind is ContributionKind.EVIDENCE:
        return EvidenceProposal(sheet.text("technique"), _claims(sheet))
    return StudyProposal(_study(sheet))


def _claims(sheet: ContributionForm) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            row.text("source"),
            row.text("title"),
            *day_of(row.text("date")),
            row.text("result"),
            row.text("system"),
            StudyType(row.text("type")),
            _disclosure(row),
        )
        for row in sheet.rows["evidence"]
    )


def _study(sheet: ContributionForm) -> CaseStudy:
    day, precision = day_of(sheet.text("date"))
    steps = (StudyStep(row.text("tactic"), row.text("technique"), row.text("summary")) for row in sheet.rows["steps"])
    return CaseStudy(
        sheet.text("id"),
        sheet.text("name"),
        StudyType(sheet.text("type")),
        day,
        precision,
        sheet.texts("references")[0],
        _disclosure(sheet),
        steps=tuple(steps),
        actors=(sheet.text("actor"),),
        target=sheet.text("target"),
        strategy=Strategy(sheet.text("strategy")),
        references=sheet.texts("references"),
        summary=sheet.text("summary"),
    )


def _disclosure(sheet: ContributionForm) -> Disclosure:
    return Disclosure(Way(sheet.text("disclosure")), sheet.text("disclosure_words"))
