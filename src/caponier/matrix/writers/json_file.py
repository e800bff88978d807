"""Entries as one JSON document with everything that is known about each."""

import json
from collections.abc import Iterable

from caponier.matrix.catalogue import Matrix
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.writers.rows import document, tactic_document


def to_json(matrix: Matrix, techniques: Iterable[Technique], tactics: Iterable[Tactic] | None = None) -> str:
    """Write entries as a document of schema `caponier.matrix-entries/1`.

    Args:
        matrix: The version that the entries belong to.
        techniques: The entries, in the order wanted.
        tactics: The tactics to write; all of the matrix if not given.
    """
    plain = {
        "schema": "caponier.matrix-entries/1",
        "matrix": matrix.version,
        "name": matrix.name,
        "released": matrix.released.isoformat() if matrix.released else None,
        "repository": matrix.repository,
        "tactics": [tactic_document(tactic) for tactic in (matrix.tactics if tactics is None else tactics)],
        "techniques": [document(matrix, technique) for technique in techniques],
    }
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
