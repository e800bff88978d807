"""Only what is known enters: the rule that every entry of a matrix has to pass.

No entry without a public, dated source that shows that it worked on a real system, or the founding mark of the 2020
list.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache

from caponier.errors import CaponierError
from caponier.matrix.evidence import EntryEvidence, EvidenceSource, Grade, Maturity
from caponier.matrix.shipped import EvidenceFile, read
from caponier.matrix.technique import Technique

FOUNDING_MATRIX = "amltm-2020"
"""The founding mark belongs to what was listed in October 2020; nothing new can bear it."""


def admit(techniques: Iterable[Technique], version: str) -> None:
    """Check all entries of a matrix.

    Raises:
        CaponierError: If an entry does not pass; the message lists every one with the reason.
    """
    issues = [f"{technique.id}: {why}" for technique in techniques if (why := issue(technique, version))]
    if issues:
        raise CaponierError(
            "entries without evidence: " + "; ".join(issues),
            where=version,
            hint="Add a public, dated source that shows the technique on a real system, or remove the entry.",
        )


def issue(technique: Technique, version: str) -> str | None:
    """Say why an entry does not pass, or return None if it does.

    Args:
        technique: The entry.
        version: The version of the matrix that it wants to enter.
    """
    if technique.evidence is not None:
        return _issue_to_evidence(technique, technique.evidence, version)
    if technique.maturity is None:
        return "it has no evidence at all"
    if technique.maturity is Maturity.FEASIBLE:
        return "it has been shown in research only, not on a real system"
    return None


def source_issue(source: EvidenceSource) -> str | None:
    """Say why a source shows nothing, or return None if it counts."""
    study = source.study
    if study.date is None:
        return f"source {study.id} has no date"
    if study.date > date.today():
        return f"source {study.id} is dated in the future"
    if not (study.url or "").startswith(("https://", "http://")):
        return f"source {study.id} is not public: it has no address"
    return None


def _issue_to_evidence(technique: Technique, evidence: EntryEvidence, version: str) -> str | None:
    if evidence.grade is Grade.FOUNDING:
        return _issue_to_founding(technique, evidence, version)
    if not evidence.sources:
        return "it names no source"
    for source in evidence.sources:
        if why := source_issue(source):
            return why
    if evidence.grade is Grade.CONTRIBUTED:
        return _issue_to_contributed(evidence)
    # A link through an ATLAS id is weaker than a step that names the entry: it must not pass for the better grade.
    if evidence.grade is Grade.STUDY_2020 and all(source.through for source in evidence.sources):
        return "it claims a study of 2020 but names only later ones"
    return None


def _issue_to_contributed(evidence: EntryEvidence) -> str | None:
    for source in evidence.sources:
        if not source.result or not source.system:
            return f"source {source.study.id} does not say what it showed on which system"
        if source.study.disclosure is None:
            return f"source {source.study.id} does not say with what permission or disclosure"
    return None


def _issue_to_founding(technique: Technique, evidence: EntryEvidence, version: str) -> str | None:
    # A later version of the 2020 matrix keeps the marks of 2020, under whatever name, and gives no new ones.
    listed = version == FOUNDING_MATRIX or technique.id in _founding()
    if not listed or not technique.seen_in:
        return "it bears the founding mark but is not in the list of October 2020"
    if evidence.sources:
        return "it bears the founding mark although sources show it"
    return None


@cache
def _founding() -> frozenset[str]:
    rows = read("evidence.yaml", EvidenceFile).techniques
    return frozenset(row.id for row in rows if row.grade is Grade.FOUNDING)
