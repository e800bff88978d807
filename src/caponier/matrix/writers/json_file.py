"""Entries as one JSON document with everything that is known about each."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from caponier.matrix.case_study import CaseStudy
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers.rows import document, tactic_document
from caponier.matrix.writers.studies import study_document


def to_json(
    matrix: Matrix,
    techniques: Iterable[Technique],
    tactics: Iterable[Tactic] | None = None,
    studies: Iterable[CaseStudy] = (),
    beside: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Write entries as a document of schema `caponier.matrix-entries/1`.

    Args:
        matrix: The version that the entries belong to.
        techniques: The entries, in the order wanted.
        tactics: The tactics to write; all of the matrix if not given.
        studies: Case studies to write with them.
        beside: By id, what to tell of an entry that the matrix itself does not know.
    """
    plain: dict[str, Any] = {
        "schema": "caponier.matrix-entries/1",
        "matrix": matrix.version,
        "name": matrix.name,
        "released": matrix.released.isoformat() if matrix.released else None,
        "repository": matrix.repository,
        "tactics": [tactic_document(tactic) for tactic in (matrix.tactics if tactics is None else tactics)],
        "techniques": [document(matrix, one) | dict((beside or {}).get(one.id, {})) for one in techniques],
    }
    if found := [study_document(matrix, study) for study in studies]:
        plain["studies"] = found
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
