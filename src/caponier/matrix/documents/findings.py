"""Findings of Caponier (`caponier.findings/1`): the techniques that each of them names."""

import re
from collections.abc import Iterator
from typing import Final

from caponier.matrix.documents import ids
from caponier.matrix.documents.json_tree import Node
from caponier.matrix.documents.mention import Document, DocumentKind, Mention

SCHEMA: Final = "caponier.findings/1"
_VERSION: Final = re.compile(r"(atlas|attack)(?:-enterprise)?-(\d[\w.]*)")


def is_findings(root: Node) -> bool:
    """Tell whether a JSON document is a list of findings."""
    return root.text("schema") == SCHEMA


def read(text: str, root: Node) -> Document:
    """Return the techniques of all findings."""
    findings = root.get("findings")
    listed = findings.items() if findings else []
    mentions = [mention for place, finding in enumerate(listed) for mention in _techniques(finding, place)]
    match = _VERSION.fullmatch(root.text("matrix") or "")
    said = (("", match[1], match[2]),) if match else ()
    return Document(DocumentKind.FINDINGS, text, tuple(mentions), said)


def _techniques(finding: Node, place: int) -> Iterator[Mention]:
    techniques = finding.get("techniques")
    for number, technique in enumerate(techniques.items() if techniques else []):
        written = technique.piece("id")
        if written is not None:
            id_ = ids.canonical(written.value)
            yield Mention(
                id_,
                ids.kind_of(id_),
                ids.Role.TECHNIQUE,
                written,
                f"findings[{place}].techniques[{number}]",
                name=technique.piece("name"),
            )
