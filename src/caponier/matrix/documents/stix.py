"""STIX 2.x bundles: attack patterns, tactics and the relations between techniques."""

import json
import re
from collections.abc import Iterator
from typing import Final

from caponier.formats.strict_json import JsonNode
from caponier.matrix.documents import ids
from caponier.matrix.documents.json_pieces import json_piece
from caponier.matrix.documents.mention import Beside, Document, DocumentKind, Edit, Mention, Piece
from caponier.matrix.versions.catalogue import Matrix

_VERSION: Final = re.compile(r"Version (atlas|attack)(?:-enterprise)?-(\d[\w.]*)")
_ADDRESS: Final = re.compile(r"/(AML\.TA?\d{4}(?:\.\d{3})?|TA?\d{4}(?:/\d{3})?)/?\"?$")


def is_bundle(root: JsonNode) -> bool:
    """Tell whether a JSON document is a STIX bundle."""
    objects = root.get("objects")
    return root.text("type") == "bundle" and objects is not None and isinstance(objects.value, list)


def read(text: str, root: JsonNode) -> Document:
    """Return the ids of attack patterns, tactics and Attack Flow actions, with names, tactics and parents."""
    objects = root.get("objects")
    listed = objects.items() if objects else []
    parents = dict(_parents(listed))
    mentions: list[Mention] = []
    for place, node in enumerate(listed):
        where = f"objects[{place}]"
        if node.text("type") in {"attack-pattern", "x-mitre-tactic"}:
            mentions += _entry(text, node, where, parents.get(node.text("id") or ""))
        elif node.text("type") == "attack-action":
            mentions += _action(node, where)
    return Document(DocumentKind.STIX, text, tuple(mentions), tuple(_said(listed, mentions)))


def _said(listed: list[JsonNode], mentions: list[Mention]) -> Iterator[tuple[str, str, str]]:
    """A collection says its version, and the entries what it is a version of; our own matrix objects say both."""
    kinds = {mention.kind for mention in mentions if mention.kind}
    for node in listed:
        version = node.text("x_mitre_version")
        if node.text("type") == "x-mitre-collection" and version and len(kinds) == 1:
            yield "", next(iter(kinds)), version
        match = _VERSION.fullmatch(node.text("description") or "")
        if match and node.text("type") == "x-mitre-matrix":
            yield "", match[1], match[2]


def version_edits(root: JsonNode, before: Matrix, after: Matrix) -> Iterator[Edit]:
    """Yield the change of the version that a matrix object of ours names."""
    objects = root.get("objects")
    for node in objects.items() if objects else []:
        said = node.get("description")
        if said and node.text("type") == "x-mitre-matrix" and said.value == f"Version {before.version}":
            yield Edit(said.start, said.end, json.dumps(f"Version {after.version}"))


def _parents(listed: list[JsonNode]) -> Iterator[tuple[str, Piece]]:
    """Yield for each sub-technique, by the id of its object, the id of the technique that a relation puts it under."""
    external = {node.text("id") or "": reference for node in listed if (reference := _reference(node))}
    for node in listed:
        if node.text("type") == "relationship" and node.text("relationship_type") == "subtechnique-of":
            above = external.get(node.text("target_ref") or "")
            if above and not node.flag("revoked"):
                yield node.text("source_ref") or "", above


def _reference(node: JsonNode) -> Piece | None:
    found = _external(node)
    return json_piece(found, "external_id") if found else None


def _external(node: JsonNode) -> JsonNode | None:
    """Return the reference that carries the entry's own id: the first whose id is one of a matrix."""
    references = node.get("external_references")
    for reference in references.items() if references else []:
        written = reference.text("external_id")
        source = (reference.text("source_name") or "").lower()
        if written and (ids.looks_like_one(written) or source in {"mitre-atlas", "mitre-attack"}):
            return reference
    return None


def _entry(text: str, node: JsonNode, where: str, parent: Piece | None) -> Iterator[Mention]:
    reference = _external(node)
    written = json_piece(reference, "external_id") if reference else None
    if reference is None or written is None:
        return
    id_ = ids.canonical(written.value)
    phases = node.get("kill_chain_phases")
    own_phases = [json_piece(phase, "phase_name") for phase in (phases.items() if phases else []) if _is_own(phase)]
    role = ids.Role.TACTIC if node.text("type") == "x-mitre-tactic" else ids.Role.TECHNIQUE
    withdrawn = node.flag("revoked") or node.flag("x_mitre_deprecated")
    yield Mention(
        id_,
        ids.kind_of(id_),
        role,
        written,
        where,
        name=json_piece(node, "name"),
        tactics=tuple(phase for phase in own_phases if phase),
        parent=parent,
        withdrawn=withdrawn,
    )
    address = reference.get("url")
    match = _ADDRESS.search(text, address.start, address.end) if address else None
    if match:
        yield _echo(match, role, where, withdrawn)


def _echo(match: re.Match[str], role: ids.Role, where: str, withdrawn: bool) -> Mention:
    id_ = ids.canonical(match[1])
    spelling = ids.Spelling.PATH if ids.kind_of(id_) == ids.ATTACK else ids.Spelling.PLAIN
    piece = Piece(match[1], match.start(1), match.end(1))
    return Mention(id_, ids.kind_of(id_), role, piece, f"{where}.url", spelling, echo=True, withdrawn=withdrawn)


def _is_own(phase: JsonNode) -> bool:
    chain = (phase.text("kill_chain_name") or "").lower()
    return any(word in chain for word in ("mitre", "atlas", "amltm", "adversarial-ml"))


def _action(node: JsonNode, where: str) -> Iterator[Mention]:
    """An action of an Attack Flow; its name is the author's, so it need not be the technique's."""
    written = json_piece(node, "technique_id")
    tactic = json_piece(node, "tactic_id")
    if written:
        id_ = ids.canonical(written.value)
        tactics = (tactic,) if tactic else ()
        name = json_piece(node, "name")
        yield Mention(
            id_,
            ids.kind_of(id_),
            ids.Role.TECHNIQUE,
            written,
            where,
            name=name,
            beside=Beside.MAYBE,
            tactics=tactics,
        )
    elif tactic:
        id_ = ids.canonical(tactic.value)
        yield Mention(id_, ids.kind_of(id_), ids.Role.TACTIC, tactic, where)
