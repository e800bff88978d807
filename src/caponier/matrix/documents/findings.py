"""Findings of Caponier (`caponier.findings/1`): the techniques that each of them names."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from caponier.formats.strict_json import JsonNode
from caponier.matrix.documents import ids
from caponier.matrix.documents.json_pieces import json_piece
from caponier.matrix.documents.mention import Document, DocumentKind, Edit, Mention
from caponier.matrix.versions.catalogue import Matrix

SCHEMA: Final = "caponier.findings/1"
_VERSION: Final = re.compile(r"(atlas|attack)(?:-enterprise)?-(\d[\w.]*)")


def is_findings(root: JsonNode) -> bool:
    """Tell whether a JSON document is a list of findings."""
    return root.text("schema") == SCHEMA


def read(text: str, root: JsonNode) -> Document:
    """Return the techniques of all findings."""
    findings = root.get("findings")
    listed = findings.items() if findings else []
    mentions = [mention for place, finding in enumerate(listed) for mention in _techniques(finding, place)]
    match = _VERSION.fullmatch(root.text("matrix") or "")
    said = (("", match[1], match[2]),) if match else ()
    return Document(DocumentKind.FINDINGS, text, tuple(mentions), said)


def _techniques(finding: JsonNode, place: int) -> Iterator[Mention]:
    techniques = finding.get("techniques")
    for number, technique in enumerate(techniques.items() if techniques else []):
        written = json_piece(technique, "id")
        if written is not None:
            id_ = ids.canonical(written.value)
            yield Mention(
                id_,
                ids.kind_of(id_),
                ids.Role.TECHNIQUE,
                written,
                f"findings[{place}].techniques[{number}]",
                name=json_piece(technique, "name"),
            )


def matrix_edits(root: JsonNode, changed: Sequence[str], before: Matrix, after: Matrix) -> Iterator[Edit]:
    """Yield the changes beside the ids: the version that the document names, and another matrix than before.

    Args:
        root: The document.
        changed: Paths of the techniques whose ids change.
        before: The version that it was about.
        after: The version that it is about now.
    """
    version = root.get("matrix")
    if before.kind == after.kind:
        if version is not None and version.value == before.version:
            yield Edit(version.start, version.end, json.dumps(after.version))
        return
    wanted = set(changed)
    findings = root.get("findings")
    for place, finding in enumerate(findings.items() if findings else []):
        techniques = finding.get("techniques")
        for number, technique in enumerate(techniques.items() if techniques else []):
            if f"findings[{place}].techniques[{number}]" in wanted:
                yield from _other_matrix(technique, after)


def _other_matrix(technique: JsonNode, after: Matrix) -> Iterator[Edit]:
    """Only the 2020 matrix has colours, so an entry of another one has none."""
    matrix, color = technique.get("matrix"), technique.get("color")
    if matrix is not None:
        yield Edit(matrix.start, matrix.end, json.dumps(after.kind))
    if color is not None and after.kind != ids.FOUNDING:
        before = max(
            (member.end for member in technique.members().values() if member.end < color.key_start), default=-1
        )
        if before >= 0:
            yield Edit(before, color.end, "")
