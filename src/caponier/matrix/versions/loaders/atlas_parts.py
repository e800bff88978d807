"""What the ATLAS formats share: how ids look, how tactics, dates and references are written, and what is put right."""

import datetime
import re
from typing import Final

from caponier.matrix.evidence import Maturity, Precision, StudyType
from caponier.matrix.technique import Level, Tactic, Technique
from caponier.matrix.versions.loaders import corrections
from caponier.matrix.versions.loaders.draft import Draft
from caponier.matrix.versions.loaders.part import Part

TACTIC_ID: Final = re.compile(r"AML\.TA\d{4}", re.ASCII)
TECHNIQUE_ID: Final = re.compile(r"AML\.T\d{4}(\.\d{3})?", re.ASCII)
COUNTERMEASURE_ID: Final = re.compile(r"AML\.M\d{4}", re.ASCII)
STUDY_ID: Final = re.compile(r"AML\.CS\d{4}", re.ASCII)
_ATTACK_ID: Final = re.compile(r"TA\d{4}|[TM]\d{4}(\.\d{3})?", re.ASCII)

_PRECISION: Final = {
    "year": Precision.YEAR,
    "month": Precision.MONTH,
    "date": Precision.DAY,
    "day": Precision.DAY,
}
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", re.ASCII)


def check_type(row: Part, wanted: str) -> Part:
    """Return an object, which has to be of the type that its place is for; old files do not always say the type.

    Raises:
        InputError: If it says another.
    """
    if row.mapping().has("object-type") and row.name("object-type") != wanted:
        raise row.wrong(f"an object of type {row.name('object-type')!r} stands among those of type {wanted!r}")
    return row


def tactic(row: Part, reference: str) -> Tactic:
    """Read a tactic; `reference` is the key of its ATT&CK reference."""
    id_ = row.id(TACTIC_ID, "a tactic of ATLAS")
    return Tactic(id_, row.name("name"), attack_id(row, reference), description=row.prose("description"))


def technique(row: Part, tactics: tuple[str, ...], parent: str | None, reference: str, draft: Draft) -> Technique:
    """Read a technique, whose place each format says in its own way."""
    id_ = row.id(TECHNIQUE_ID, "a technique of ATLAS")
    attack = attack_id(row, reference)
    fixed = corrections.attack_correction(id_, attack) if attack else None
    if fixed:
        draft.remarks.append(f"{id_}: its ATT&CK id {fixed.given} was put right as {fixed.right}. {fixed.why}")
    return Technique(
        id_,
        row.name("name"),
        Level.SUB_TECHNIQUE if parent else Level.TECHNIQUE,
        tactics,
        position=1,
        parent=parent,
        attack=fixed.right if fixed else attack,
        attack_basis=fixed.why if fixed else None,
        description=row.prose("description"),
        maturity=maturity(row),
    )


def attack_id(row: Part, key: str) -> str | None:
    """Return the ATT&CK id that an object refers to."""
    return row.at(key).mapping().id(_ATTACK_ID, "ATT&CK") if row.has(key) else None


def maturity(row: Part) -> Maturity | None:
    """Read ATLAS's own word for how far a technique was seen to work; None where the format has none."""
    if not row.has("maturity"):
        return None
    word = row.name("maturity").lower()
    if word not in set(Maturity):
        raise row.at("maturity").wrong(f"{word!r} is no maturity; there are: {', '.join(Maturity)}")
    return Maturity(word)


def study_type(row: Part, key: str) -> StudyType:
    """Read whether a study was an incident or an exercise; the first releases are silent, and a table speaks."""
    id_ = row.name("id")
    if not row.has(key):
        known = corrections.study_type(id_)
        if known is None:
            raise row.wrong(f"it says neither incident nor exercise: {key!r} is missing")
        return known
    word = row.name(key).lower()
    if word not in set(StudyType):
        raise row.at(key).wrong(f"{word!r} is no type of a case study; there are: {', '.join(StudyType)}")
    return StudyType(word)


def date(row: Part, key: str, precision_key: str) -> tuple[datetime.date, Precision]:
    """Read a date with how much of it is known; the date is the first day of what is known.

    Raises:
        InputError: If there is none, or it is no date of the calendar.
    """
    found = _DATE.fullmatch(row.name(key))
    if not found:
        raise row.at(key).wrong("a date such as 2026-04-30, 2026-04 or 2026 is wanted here")
    year, month, day = found.groups()
    written = Precision.DAY if day else Precision.MONTH if month else Precision.YEAR
    known = _precision(row, precision_key) or written
    depth = min(_DEPTH[known], _DEPTH[written])
    try:
        whole = datetime.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        raise row.at(key).wrong(f"{found.group()} is no day of the calendar") from None
    return whole.replace(month=whole.month if depth > 1 else 1, day=whole.day if depth > 2 else 1), _BY_DEPTH[depth]


_BY_DEPTH: Final = {1: Precision.YEAR, 2: Precision.MONTH, 3: Precision.DAY}
_DEPTH: Final = {precision: depth for depth, precision in _BY_DEPTH.items()}


def _precision(row: Part, key: str) -> Precision | None:
    if not row.has(key):
        return None
    word = row.name(key).lower()
    if word not in _PRECISION:
        raise row.at(key).wrong(f"{word!r} does not say how much of a date is known; there are: year, month, day")
    return _PRECISION[word]


def references(row: Part) -> tuple[str, ...]:
    """Return the addresses of public reports; the list may be null or missing, and a title may have no address."""
    return tuple(reference.name("url") for reference in row.rows("references") if reference.has("url"))


def actors(row: Part) -> tuple[str, ...]:
    """Return who attacked, as the source words it."""
    return (row.name("actor"),) if row.has("actor") else ()
