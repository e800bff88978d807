"""The fields of a contribution, in the field's own words: what the file may hold, what a template asks for.

There is no field for a rank of risk or for a defence on purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from caponier.matrix.case_study import Strategy
from caponier.matrix.evidence import StudyType, Way
from caponier.matrix.technique import Color, Harm

SCHEMA: Final = "caponier.contribution/1"


class ContributionKind(StrEnum):
    """What is contributed."""

    TECHNIQUE = "technique"
    EVIDENCE = "evidence"
    CASE_STUDY = "case-study"


class Holds(StrEnum):
    """What a field holds."""

    TEXT = "text"
    TEXTS = "texts"
    DATE = "date"
    ADDRESS = "address"
    ADDRESSES = "addresses"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    key: str
    asks: str
    """What to write there, for people."""
    holds: Holds = Holds.TEXT
    required: bool = True
    longest: int = 200
    """Letters of a text, or of each of several."""
    most: int = 30
    """Entries of a list."""
    choices: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether it holds a list."""
        return self.holds in (Holds.TEXTS, Holds.ADDRESSES, Holds.ROWS)


def _values(kind: type[StrEnum]) -> tuple[str, ...]:
    return tuple(member.value for member in kind)


_DISCLOSED: Final = (
    Field("disclosure", "how permission was had, or how it was disclosed", choices=_values(Way)),
    Field("disclosure_words", "who allowed it or was told, and when", longest=1000),
)
_TYPE: Final = Field(
    "type", "incident = a real attacker; exercise = a red team or researchers", choices=_values(StudyType)
)
_DATE_WORDS: Final = "as far as it is known: 2026, 2026-03 or 2026-03-14"

EVIDENCE: Final = (
    Field("source", "address of the public report", Holds.ADDRESS, longest=2000),
    Field("title", "the report's own title"),
    Field("date", f"when it was published, {_DATE_WORDS}", Holds.DATE),
    Field("result", "what it showed, in a sentence of your own", longest=1000),
    Field("system", "the real system that it was shown on"),
    _TYPE,
    *_DISCLOSED,
)
STEPS: Final = (
    Field("tactic", "id of the tactic that the step served"),
    Field("technique", "id of the technique, in this matrix or in ATT&CK"),
    Field("summary", "what the attacker did, in a sentence of your own", longest=1000),
)
_EVIDENCE_ROWS: Final = Field("evidence", "what shows it: at least one public source", Holds.ROWS)

FORMS: Final[Mapping[ContributionKind, tuple[Field, ...]]] = {
    ContributionKind.TECHNIQUE: (
        Field("id", "the next free id of its column, or under its parent"),
        Field("name", "a short name, in the words of the field", longest=120),
        Field("tactics", "ids of the tactics that it serves", Holds.TEXTS),
        Field("parent", "id of the technique that it is a kind of", required=False),
        Field(
            "color",
            "orange = special to ML; white = from ATT&CK Enterprise",
            required=False,
            choices=_values(Color),
        ),
        Field("attack", "ATT&CK Enterprise id of a white technique", required=False),
        Field("description", "what the attacker does, in your own words", longest=4000),
        Field(
            "harms",
            "what the act itself harms; none if it only prepares others",
            Holds.TEXTS,
            required=False,
            choices=_values(Harm),
        ),
        _EVIDENCE_ROWS,
    ),
    ContributionKind.EVIDENCE: (Field("technique", "id of the technique that it shows"), _EVIDENCE_ROWS),
    ContributionKind.CASE_STUDY: (
        Field("id", "the next free id of a case study"),
        Field("name", "a short name of what happened", longest=120),
        Field("actor", "who attacked, as far as is public"),
        Field("target", "the real system that was attacked"),
        Field("date", f"when it happened, {_DATE_WORDS}", Holds.DATE),
        _TYPE,
        Field(
            "strategy",
            "traditional = white techniques only; adversarial-ml = orange ones only; combined",
            choices=_values(Strategy),
        ),
        Field("summary", "the whole story in a few sentences of your own", required=False, longest=4000),
        Field("steps", "what the attacker did, in order", Holds.ROWS, most=100),
        Field("references", "addresses of the public reports", Holds.ADDRESSES, longest=2000),
        *_DISCLOSED,
    ),
}
"""The fields of each kind; beside them stand `schema`, `kind` and `matrix`."""

ROWS: Final[Mapping[str, tuple[Field, ...]]] = {"evidence": EVIDENCE, "steps": STEPS}
"""The fields of each row of a list of rows."""

HEAD: Final = (
    Field("schema", "the format of this file", choices=(SCHEMA,)),
    Field("kind", "what is contributed", choices=_values(ContributionKind)),
    Field("matrix", "the version of the matrix that it is for"),
)


def form_for(kind: ContributionKind, matrix: str) -> tuple[Field, ...]:
    """Return the fields to fill in for a kind of matrix: the 2020 matrix wants a colour, others have none."""
    fields = FORMS[kind]
    if matrix == "amltm-2020":
        return tuple(replace(one, required=True) if one.key == "color" else one for one in fields)
    return tuple(one for one in fields if one.key != "color")
