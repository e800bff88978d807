"""What a reader has gathered from a file, and how it becomes a release: checked as a whole, or not at all."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from caponier.errors import InputError
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.evidence import EntryEvidence, EvidenceSource, Grade, Study
from caponier.matrix.shipped import check_ids, check_once
from caponier.matrix.technique import Level, Retirement, Tactic, Technique
from caponier.matrix.versions.atlas_releases import AtlasRelease
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.release import Countermeasure, Release


@dataclass(slots=True)
class Draft:
    """The content of a file before it has been checked as a whole."""

    source: SourceFile
    format: str
    version: str
    """The name that the version is kept under."""
    kind: str
    name: str
    repository: str
    released: datetime.date | None = None
    published: AtlasRelease | None = None
    """What the file has to hold at least, if it is the published file that it says it is."""
    has_studies: bool = True
    """False for formats without case studies."""
    tactics: list[Tactic] = field(default_factory=list)
    techniques: list[Technique] = field(default_factory=list)
    """In any order; `release` puts children under their parents."""
    studies: list[CaseStudy] = field(default_factory=list)
    retired: list[Retirement] = field(default_factory=list)
    countermeasures: list[Countermeasure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def release(self) -> Release:
        """Check the whole and return it as a release.

        Raises:
            InputError: If an id is there twice, or an entry names a parent, tactic or technique that is not there.
        """
        self._check()
        techniques = tuple(_in_order(self._with_evidence()))
        matrix = Matrix(
            self.version,
            self.kind,
            self.name,
            self.released,
            self.repository,
            tuple(self.tactics),
            techniques,
            tuple(sorted(self.studies, key=lambda study: study.id)),
            tuple(self.retired),
        )
        hidden = len(techniques) - len(matrix.shown())
        unshown = [f"Entries left out of the default view, since nothing shows them on a real system: {hidden}."]
        remarks = (*self.remarks, *(unshown if hidden else ()))
        return Release(matrix, self.format, self.source.sha256, tuple(self.countermeasures), remarks)

    def _check(self) -> None:
        if not self.tactics or not self.techniques:
            raise self._wrong("the file has no tactics or no techniques")
        try:
            check_ids(tuple(self.tactics), tuple(self.techniques), tuple(self.studies))
            check_once(self.countermeasures)
            check_once(self.retired)
        except ValueError as wrong:
            raise self._wrong(str(wrong)) from None
        self._check_whole()
        self._check_links()

    def _check_whole(self) -> None:
        """Tell a file that was cut off between two objects, which is right in every line."""
        if self.published is None:
            return
        wanted = self.published
        pairs = (("tactics", self.tactics), ("techniques", self.techniques), ("studies", self.studies))
        for key, nouns in pairs:
            count = getattr(wanted, key)
            if len(nouns) < count and not (key == "studies" and not self.has_studies):
                raise InputError(
                    f"ATLAS {wanted.version} has {count} {key}, this file only {len(nouns)}: it may be cut off",
                    where=self.source.name,
                    hint="Download the file again. If it is a selection of yours, name it with --version NAME.",
                )

    def _check_links(self) -> None:
        known = {t.id for t in self.techniques}
        columns = {t.id for t in self.tactics}
        named = [(m.id, id_) for m in self.countermeasures for id_ in m.techniques if id_ not in known]
        for study in self.studies:
            named += [(study.id, step.technique) for step in study.steps if step.technique not in known]
            named += [(study.id, step.tactic) for step in study.steps if step.tactic not in columns]
        if named:
            raise self._wrong(f"{named[0][0]} names {named[0][1]}, which is not there")

    def _with_evidence(self) -> list[Technique]:
        """Give the entries without a maturity the studies of the same release as evidence."""
        shown = _shown_by(self.studies, self.techniques)
        return [
            replace(t, evidence=EntryEvidence(Grade.OWN_STUDY, shown[t.id]))
            if t.maturity is None and t.id in shown
            else t
            for t in self.techniques
        ]

    def _wrong(self, what: str) -> InputError:
        return InputError(what, where=self.source.name, hint="Download the file again, or correct it.")


def _shown_by(studies: Iterable[CaseStudy], techniques: Iterable[Technique]) -> dict[str, tuple[EvidenceSource, ...]]:
    """Return the studies that show each technique; what shows a sub-technique shows its parent through it."""
    parents = {t.id: t.parent for t in techniques}
    found: dict[str, list[EvidenceSource]] = {}
    for study in studies:
        plain = Study(study.id, study.name, study.type, study.date, study.precision, study.reference)
        direct = dict.fromkeys(step.technique for step in study.steps)
        for id_ in direct:
            found.setdefault(id_, []).append(EvidenceSource(plain))
        through: dict[str, list[str]] = {}
        for id_ in direct:
            parent = parents.get(id_)
            if parent is not None and parent not in direct:
                through.setdefault(parent, []).append(id_)
        for parent, ids in through.items():
            found.setdefault(parent, []).append(EvidenceSource(plain, tuple(ids)))
    return {id_: tuple(sources) for id_, sources in found.items()}


def _in_order(techniques: list[Technique]) -> Iterable[Technique]:
    """Yield each parent before its children, by their ids and with their places counted from 1.

    The order of a file says nothing: it is that of a STIX bundle's random ids, and changes between releases of ATLAS.
    """
    children: dict[str | None, list[Technique]] = {}
    for technique in sorted(techniques, key=lambda t: t.id):
        children.setdefault(technique.parent, []).append(technique)
    for place, top in enumerate(children.get(None, ()), 1):
        yield replace(top, position=place, level=Level.TECHNIQUE)
        for number, child in enumerate(children.get(top.id, ()), 1):
            yield replace(child, position=number, level=Level.SUB_TECHNIQUE)
