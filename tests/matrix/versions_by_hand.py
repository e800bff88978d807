"""Small versions of a matrix, made by hand for what no shipped one has."""

import datetime
from collections.abc import Iterable, Mapping

from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import Maturity, StudyType
from caponier.matrix.technique import Level, Retirement, Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix

COLUMNS = (Tactic("AML.TA0000", "First"), Tactic("AML.TA0001", "Second"), Tactic("AML.TA0002", "Third"))


def entry(
    id_: str,
    name: str | None = None,
    *,
    tactics: tuple[str, ...] = ("AML.TA0000",),
    parent: str | None = None,
    maturity: Maturity | None = None,
    attack: str | None = None,
) -> Technique:
    level = Level.SUB_TECHNIQUE if parent else Level.TECHNIQUE
    return Technique(id_, name or f"Name of {id_}", level, tactics, 1, parent=parent, maturity=maturity, attack=attack)


def study(id_: str, name: str = "Study", steps: tuple[str, ...] = ()) -> CaseStudy:
    return CaseStudy(
        id_, name, StudyType.EXERCISE, steps=tuple(StudyStep("AML.TA0000", technique) for technique in steps)
    )


def version(
    name: str,
    techniques: Iterable[Technique | str] = (),
    *,
    kind: str = "atlas",
    tactics: tuple[Tactic, ...] = COLUMNS,
    studies: tuple[CaseStudy, ...] = (),
    retired: Mapping[str, str | None] | None = None,
    released: datetime.date | None = None,
) -> Matrix:
    entries = tuple(entry(one) if isinstance(one, str) else one for one in techniques)
    taken_back = tuple(Retirement(old, "Old", new) for old, new in (retired or {}).items())
    return Matrix(name, kind, "By hand", released, "", tactics, entries, studies, taken_back)
