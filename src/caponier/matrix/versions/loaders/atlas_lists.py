"""The objects of ATLAS formats 3 to 5: lists of rows, in which a row names its tactics, parent and steps itself."""

from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.versions.loaders.atlas_parts import (
    COUNTERMEASURE_ID,
    STUDY_ID,
    TACTIC_ID,
    TECHNIQUE_ID,
    actors,
    check_type,
    date,
    references,
    study_type,
    tactic,
    technique,
)
from caponier.matrix.versions.loaders.draft import Draft
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.release import Countermeasure

_REFERENCE = "ATT&CK-reference"
_PARENT_KEYS = ("subtechnique-of", "specializes")
"""The last file of format 5 was published in both spellings."""
_LIFECYCLE_KEYS = ("ml-lifecycle", "ML-lifecycle", "lifecycle-phases")
"""Where objects stand that belong into `techniques`: a mistake of 4.9 to 5.6 that is known."""


def read_lists(matrix: Part, studies: Part, draft: Draft) -> None:
    """Read all objects into the draft.

    Args:
        matrix: Holds `tactics`, `techniques` and `mitigations`.
        studies: Holds `case-studies`.
        draft: Takes them.
    """
    studies.required("case-studies")
    draft.tactics += [tactic(check_type(row, "tactic"), _REFERENCE) for row in matrix.rows("tactics")]
    rows = [check_type(row, "technique") for row in matrix.rows("techniques")]
    above = {row.name("id"): row for row in rows}
    for row in rows:
        parent = _parent(row)
        place = row if parent is None or row.has("tactics") else above.get(parent, row)
        draft.techniques.append(technique(row, _tactics(place), parent, _REFERENCE, draft))
    draft.countermeasures += [_countermeasure(row, draft) for row in matrix.rows("mitigations")]
    draft.studies += [_study(row) for row in studies.rows("case-studies")]
    reported = sum(row.has("reported-by") and not row.has("actor") for row in studies.rows("case-studies"))
    if reported:
        draft.remarks.append(f"Case studies without an actor, since they say only who reported them: {reported}.")


def _parent(row: Part) -> str | None:
    return next((row.id(TECHNIQUE_ID, "a technique of ATLAS", key) for key in _PARENT_KEYS if row.has(key)), None)


def _tactics(row: Part) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.words("tactics")))


def _countermeasure(row: Part, draft: Draft) -> Countermeasure:
    id_ = check_type(row, "mitigation").id(COUNTERMEASURE_ID, "a counter-measure of ATLAS")
    named = [use.id(TECHNIQUE_ID, "a technique of ATLAS") for use in row.rows("techniques")]
    for key in _LIFECYCLE_KEYS:
        for item in row.items(key):
            named += _strays(item, id_, draft)
    return Countermeasure(id_, row.name("name"), tuple(dict.fromkeys(named)))


def _strays(item: Part, owner: str, draft: Draft) -> list[str]:
    """Return the technique of a misplaced object, which is known to happen; anything else there has to be a word."""
    if not isinstance(item.value, dict):
        item.text()
        return []
    if set(item.value) != {"id", "use"}:
        raise item.wrong("this object does not belong here")
    id_ = item.id(TECHNIQUE_ID, "a technique of ATLAS")
    draft.remarks.append(f"{owner}: {id_} stood at {item.place}; it was moved to the techniques, where it belongs.")
    return [id_]


def _study(row: Part) -> CaseStudy:
    id_ = check_type(row, "case-study").id(STUDY_ID, "a case study of ATLAS")
    when, precision = date(row, "incident-date", "incident-date-granularity")
    addresses = references(row)
    return CaseStudy(
        id_,
        row.name("name"),
        study_type(row, "case-study-type"),
        when,
        precision,
        addresses[0] if addresses else None,
        steps=_steps(row),
        actors=actors(row),
        target=row.name("target") if row.has("target") else "",
        references=addresses,
        summary=row.prose("summary"),
    )


def _steps(study: Part) -> tuple[StudyStep, ...]:
    steps = tuple(_step(step) for step in study.rows("procedure"))
    if not steps:
        raise study.wrong("the case study has no steps: 'procedure' is missing or empty")
    return steps


def _step(row: Part) -> StudyStep:
    column = row.id(TACTIC_ID, "a tactic of ATLAS", "tactic")
    return StudyStep(column, row.id(TECHNIQUE_ID, "a technique of ATLAS", "technique"), row.prose("description"))
