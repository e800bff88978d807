"""The data files that ship with the package, read and checked.

Every file has a shape that forbids unknown keys. The nouns themselves are the shape of a row, so what has no field
there (a defence, a rank of risk) has no place in a file either.
"""

import datetime
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from caponier.errors import CaponierError
from caponier.formats.strict_yaml import SHIPPED, YamlError, read_value
from caponier.matrix.case_study import CaseStudy, Strategy, StudyStep
from caponier.matrix.evidence import Grade, Precision, Study, StudyType
from caponier.matrix.technique import Tactic, Technique


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


class Shape(BaseModel):
    """A file or a row that has exactly the named keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check_ids(
    tactics: tuple[Tactic, ...], techniques: tuple[Technique, ...], studies: tuple[CaseStudy, ...] = ()
) -> None:
    """Check that no id is there twice, that every id that is named is there, and that each entry has its place.

    A step of a case study may name an id of another matrix, so steps are not checked.

    Raises:
        ValueError: If not; it names the first id at fault.
    """
    for nouns in (tactics, techniques, studies):
        check_once(nouns)
    known = {None, *(technique.id for technique in techniques)}
    columns = {tactic.id for tactic in tactics}
    for technique in techniques:
        named = {technique.parent, technique.same_as} - known | set(technique.tactics) - columns
        if named:
            raise ValueError(f"{technique.id} names {', '.join(sorted(map(str, named)))}, which is not there")
        if technique.same_as == technique.id:
            raise ValueError(f"{technique.id} is said to be the same as itself")
    _check_places(techniques)


def check_once(nouns: Sequence[_HasId]) -> None:
    """Check that no id is there twice.

    Raises:
        ValueError: If one is; it names the first.
    """
    twice = [id_ for id_, count in Counter(noun.id for noun in nouns).items() if count > 1]
    if twice:
        raise ValueError(f"the id {twice[0]} is there twice")


def _check_places(techniques: tuple[Technique, ...]) -> None:
    """Check that each entry stands in a column, at most one level below a top entry; so parents make no circle."""
    children = {technique.id for technique in techniques if technique.parent is not None}
    for technique in techniques:
        if technique.parent in children:
            raise ValueError(f"{technique.id} stands under {technique.parent}, which is itself a sub-technique")
        if not technique.tactics:
            raise ValueError(f"{technique.id} has no tactic")


class MatrixFile(Shape):
    """One version of a matrix."""

    schema_: Literal["caponier.matrix/1"] = Field(alias="schema")
    version: str
    name: str
    released: datetime.date
    repository: str
    tactics: tuple[Tactic, ...]
    techniques: tuple[Technique, ...]

    @model_validator(mode="after")
    def _ids_are_known(self) -> Self:
        check_ids(self.tactics, self.techniques)
        return self


def _step(given: Any) -> Any:
    """Read the short form of a step, `TACTIC/TECHNIQUE`."""
    if not isinstance(given, str):
        return given
    tactic, slash, technique = given.partition("/")
    if not (tactic and slash and technique):
        raise ValueError(f"the step {given!r} is not of the form TACTIC/TECHNIQUE")
    return {"tactic": tactic, "technique": technique}


class StudyRow(Shape):
    """A case study, key by key."""

    id: str
    name: str
    date: datetime.date
    precision: Precision
    type: StudyType
    actors: tuple[str, ...] = ()
    target: str = ""
    strategy: Strategy | None = None
    same_as: str | None = None
    references: tuple[str, ...] = ()
    summary: str = ""
    steps: tuple[Annotated[StudyStep, BeforeValidator(_step)], ...] = Field(min_length=1)

    def case_study(self) -> CaseStudy:
        """Return the study; the first of its references is the report itself."""
        report = self.references[0] if self.references else None
        return CaseStudy(**{name: getattr(self, name) for name in type(self).model_fields}, reference=report)


class StudiesFile(Shape):
    """The case studies of one version of a matrix."""

    schema_: Literal["caponier.case-studies/1"] = Field(alias="schema")
    matrix: str
    studies: tuple[StudyRow, ...]


class LaterStudy(Shape):
    """A study that shows an entry through ATLAS ids."""

    study: str
    through: tuple[str, ...]


class ShownBy(Shape):
    """What a source that is no case study showed of an entry."""

    source: str
    result: str
    system: str


class EvidenceRow(Shape):
    """The grade of an entry and the ids of the studies behind it."""

    id: str
    grade: Grade
    studies_2020: tuple[str, ...] = ()
    studies_later: tuple[LaterStudy, ...] = ()
    shown_by: tuple[ShownBy, ...] = ()


class EvidenceFile(Shape):
    """Which entry is shown by which study."""

    schema_: Literal["caponier.evidence/1"] = Field(alias="schema")
    matrix: str
    sources: tuple[Study, ...] = ()
    """What shows an entry and is no case study, such as the record of a vulnerability."""
    techniques: tuple[EvidenceRow, ...]


S = TypeVar("S", bound=Shape)


def read(name: str, shape: type[S]) -> S:
    """Read the shipped file `name` and check that it has the shape.

    Raises:
        CaponierError: If the file is not of that shape: the installation is damaged.
    """
    return parse((files("caponier.matrix") / "data" / name).read_text(encoding="utf-8"), shape, name)


def parse(text: str, shape: type[S], name: str) -> S:
    """Check that YAML text has the shape; `name` is used in the message only.

    Raises:
        CaponierError: If the text is no YAML or has another shape.
    """
    try:
        return shape.model_validate(read_value(text, name, SHIPPED))
    except (YamlError, ValidationError) as wrong:
        raise CaponierError(f"the file is damaged: {wrong}", where=name, hint="Reinstall caponier.") from wrong
