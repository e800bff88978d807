"""Case studies as JSON, CSV and Markdown."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from caponier.formats.csv_text import safe_csv
from caponier.formats.markdown import escaped, link
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence_gate import FOUNDING_MATRIX
from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import Matrix

SCHEMA = "caponier.case-study-list/1"
COLUMNS = ("id", "name", "date", "type", "strategy", "target", "actors", "steps", "same_as", "url")
"""Columns of a flat row, in order."""


def study_document(matrix: Matrix, study: CaseStudy) -> dict[str, Any]:
    """Return everything that is known about a case study, ready for JSON; what is unknown is left out."""
    full = {
        "id": study.id,
        "name": study.name,
        "same_as": study.same_as,
        "type": study.type.value,
        "date": study.when if study.date else None,
        "actors": list(study.actors),
        "target": study.target,
        "strategy": study.strategy.value if study.strategy else None,
        "summary": study.summary,
        "disclosure": {"way": study.disclosure.way.value, "words": study.disclosure.words}
        if study.disclosure
        else None,
        "url": study.url,
        "references": list(study.references),
        "steps": [_step(matrix, step) for step in study.steps],
    }
    return {key: value for key, value in full.items() if value}


def to_json(matrix: Matrix, studies: Iterable[CaseStudy]) -> str:
    """Write case studies as a document of schema `caponier.case-study-list/1`."""
    plain = {"schema": SCHEMA, "matrix": matrix.version, "studies": [study_document(matrix, one) for one in studies]}
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def to_csv(studies: Iterable[CaseStudy]) -> str:
    """Write case studies as CSV (RFC 4180 quoting, lines ended by a newline); lists are joined by `; `."""
    return safe_csv(COLUMNS, map(_row, studies))


def to_markdown(matrix: Matrix, study: CaseStudy) -> str:
    """Write one case study as a page with its steps as a table."""
    return "\n".join(_page(matrix, study)) + "\n"


def to_markdown_list(matrix: Matrix, studies: Iterable[CaseStudy]) -> str:
    """Write case studies as a table under the name of their matrix."""
    rows = [(one.id, one.when, one.type.value, one.name, one.target) for one in studies]
    lines = [f"# Case studies of {escaped(matrix.name)} ({escaped(matrix.version)})", ""]
    lines += ["| Id | When | Kind | Name | Target |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(escaped, row))} |" for row in rows)]) + "\n"


def _row(study: CaseStudy) -> tuple[str, ...]:
    return (
        study.id,
        study.name,
        study.when,
        study.type.value,
        study.strategy.value if study.strategy else "",
        study.target,
        "; ".join(study.actors),
        "; ".join(step.technique for step in study.steps),
        study.same_as or "",
        study.url or "",
    )


def technique_name(matrix: Matrix, id_: str) -> str:
    """Return a name for a step's technique that can stand alone; the id itself if another matrix has it."""
    return full_name(matrix, matrix.technique(id_)) if id_ in matrix else id_


def full_name(matrix: Matrix, technique: Technique) -> str:
    """Return a name that can stand alone: `AI Supply Chain Compromise: Data`; names of 2020 can as they are."""
    if technique.parent is None or matrix.kind == FOUNDING_MATRIX:
        return technique.name
    return f"{matrix.technique(technique.parent).name}: {technique.name}"


def tactic_name(matrix: Matrix, id_: str) -> str:
    """Return the name of a step's tactic; the id itself if another matrix has it."""
    return next((tactic.name for tactic in matrix.tactics if tactic.id == id_), id_)


def _step(matrix: Matrix, step: StudyStep) -> dict[str, Any]:
    technique = matrix.technique(step.technique) if step.technique in matrix else None
    full = {
        "tactic": {"id": step.tactic, "name": tactic_name(matrix, step.tactic)},
        "technique": {"id": step.technique, "name": technique.name if technique else step.technique},
        "color": technique.color.value if technique and technique.color else None,
        "summary": step.summary,
        "leads_to": list(step.leads_to) if step.leads_to is not None else None,
    }
    # A step that leads nowhere is knowledge, so an empty list stays.
    return {key: value for key, value in full.items() if value not in (None, "")}


def _page(matrix: Matrix, study: CaseStudy) -> Iterator[str]:
    yield f"# {escaped(study.id)}: {escaped(study.name)}"
    yield ""
    if study.summary:
        yield escaped(study.summary)
        yield ""
    known = [
        ("When", study.when),
        ("Kind", study.type.value),
        ("Who", ", ".join(study.actors)),
        ("Target", study.target),
        ("Strategy", study.strategy.value if study.strategy else ""),
        ("Disclosed", study.disclosure.told if study.disclosure else ""),
        ("Same as", study.same_as or ""),
    ]
    yield from (f"- {name}: {escaped(value)}" for name, value in known if value)
    yield from ["", "| | Tactic | Technique | What they did |", "|---|---|---|---|"]
    for place, step in enumerate(study.steps, 1):
        technique = f"{step.technique} {technique_name(matrix, step.technique)}"
        cells = [tactic_name(matrix, step.tactic), technique, step.summary]
        yield f"| {place} | {' | '.join(escaped(cell) for cell in cells)} |"
    addresses = study.references or ((study.url,) if study.url else ())
    if addresses:
        yield from ["", "Read more:", "", *(f"- {link(address)}" for address in addresses)]
