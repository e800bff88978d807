"""What shows that a technique has worked on a real system: studies, sources and grades.

These nouns stand apart from the technique so that a study can be judged before there is an entry that rests on it.
"""

import datetime
import re
from dataclasses import dataclass
from enum import StrEnum

_ATLAS_STUDY = re.compile(r"AML\.CS\d{4}")


class StudyType(StrEnum):
    """Who attacked: both kinds happened to a real system."""

    INCIDENT = "incident"
    """A real attacker."""
    EXERCISE = "exercise"
    """A red team or researchers."""


class Precision(StrEnum):
    """How much of a study's date is known."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"


class Way(StrEnum):
    """How it was allowed to happen, or how the owner came to know."""

    PERMISSION = "permission"
    OWN_SYSTEM = "own-system"
    COORDINATED_DISCLOSURE = "coordinated-disclosure"
    VENDOR_INFORMED = "vendor-informed"
    PUBLIC_INCIDENT = "public-incident"

    @property
    def words(self) -> str:
        """The way as a sentence for people."""
        return _WAY_WORDS[self]


_WAY_WORDS = {
    Way.PERMISSION: "the owner of the system had allowed it",
    Way.OWN_SYSTEM: "those who attacked own the system",
    Way.COORDINATED_DISCLOSURE: "it was published together with the owner, after a time to fix it",
    Way.VENDOR_INFORMED: "the owner was told before it was published",
    Way.PUBLIC_INCIDENT: "it happened in public, or the victim or an authority made it public",
}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """With what right an attack on a real system is told about."""

    way: Way
    words: str
    """Who allowed it or was told, and when."""

    @property
    def told(self) -> str:
        """Both as a sentence for people."""
        return f"{self.way.words}: {self.words}"


@dataclass(frozen=True, slots=True)
class Study:
    """A case study of an attack on a real ML system."""

    id: str
    name: str
    type: StudyType
    date: datetime.date | None = None
    """First day of the period that `precision` names; a study without a date is no evidence."""
    precision: Precision = Precision.DAY
    reference: str | None = None
    """The report itself; many studies are only public as the ATLAS case study."""
    disclosure: Disclosure | None = None
    """None for what was taken over from an older matrix, whose sources do not say it."""

    @property
    def when(self) -> str:
        """The date as far as it is known: `2020`, `2020-02` or `2020-02-11`."""
        if self.date is None:
            return "undated"
        return {
            Precision.YEAR: f"{self.date:%Y}",
            Precision.MONTH: f"{self.date:%Y-%m}",
            Precision.DAY: self.date.isoformat(),
        }[self.precision]

    @property
    def url(self) -> str | None:
        """Where anybody can read it: the report, or else the ATLAS case study."""
        if self.reference:
            return self.reference
        if _ATLAS_STUDY.fullmatch(self.id):
            return f"https://atlas.mitre.org/studies/{self.id}"
        return None


@dataclass(frozen=True, slots=True)
class EvidenceSource:
    """A study as evidence for one entry."""

    study: Study
    through: tuple[str, ...] = ()
    """The ATLAS ids that link the study to the entry; empty if a step of the study names the entry itself."""
    result: str = ""
    """What the study showed of this entry, in a sentence; empty for what was taken over from an older matrix."""
    system: str = ""
    """The real system that it was shown on; empty likewise."""


class Grade(StrEnum):
    """How well an entry is shown, in a matrix that names its sources."""

    STUDY_2020 = "2020-study"
    LATER_STUDY = "later-study"
    FOUNDING = "founding"
    CONTRIBUTED = "contributed"
    OWN_STUDY = "own-study"
    """Of an imported version whose files have no maturity."""

    @property
    def words(self) -> str:
        """The grade as a sentence for people."""
        return _GRADE_WORDS[self]


_GRADE_WORDS = {
    Grade.STUDY_2020: "shown by a case study that was published with the matrix in 2020",
    Grade.LATER_STUDY: "shown by a later case study, linked through an ATLAS id that may be broader than this entry",
    Grade.FOUNDING: "listed in October 2020 by MITRE and eleven companies; no case study is linked to it yet",
    Grade.CONTRIBUTED: "shown by a public source that was contributed and reviewed",
    Grade.OWN_STUDY: "shown by a step of a case study of the same release",
}


class Maturity(StrEnum):
    """ATLAS's own word for how far a technique has been seen to work."""

    FEASIBLE = "feasible"
    DEMONSTRATED = "demonstrated"
    REALIZED = "realized"

    @property
    def words(self) -> str:
        """The maturity as a sentence for people."""
        return _MATURITY_WORDS[self]


_MATURITY_WORDS = {
    Maturity.FEASIBLE: "shown in research only, not yet on a real system",
    Maturity.DEMONSTRATED: "shown on a real system by an exercise",
    Maturity.REALIZED: "used by an attacker in an incident",
}


@dataclass(frozen=True, slots=True)
class EntryEvidence:
    """The grade of an entry and the sources behind it, those of 2020 first."""

    grade: Grade
    sources: tuple[EvidenceSource, ...] = ()
