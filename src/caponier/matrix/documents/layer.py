"""Navigator layers, formats 2 to 4.5: one layer, or a list of them."""

from collections.abc import Iterator
from typing import Final

from caponier.formats.strict_json import JsonLiteral, JsonNode
from caponier.matrix.documents import ids
from caponier.matrix.documents.json_pieces import json_piece
from caponier.matrix.documents.mention import Beside, Document, DocumentKind, Mention, Piece

DATA_VERSION: Final = "atlas_data_version"
"""Name of the metadata entry in which ATLAS layers say which version they are about."""

_NAME_KEYS: Final = ("name", "techniqueName", "technique_name")


def is_layer(root: JsonNode) -> bool:
    """Tell whether a JSON document is a layer or a list of layers."""
    layers = layers_of(root)
    return bool(layers) and all(_is_one(layer) for layer in layers)


def layers_of(root: JsonNode) -> list[JsonNode]:
    """Return the layers of a document."""
    return root.items() if isinstance(root.value, list) else [root]


def read(text: str, root: JsonNode) -> Document:
    """Return the annotated techniques of each layer."""
    mentions: list[Mention] = []
    said: list[tuple[str, str, str]] = []
    for number, layer in enumerate(layers_of(root)):
        group = group_of(root, number)
        mentions += _techniques(layer, group)
        said += [(group, kind, version) for kind, version in _versions(layer)]
    return Document(DocumentKind.LAYER, text, tuple(mentions), tuple(said))


def group_of(root: JsonNode, number: int) -> str:
    """Return what a layer's mentions are grouped under, which is also the beginning of their paths."""
    return f"[{number}]." if isinstance(root.value, list) else ""


def data_version(layer: JsonNode) -> JsonNode | None:
    """Return the value of the metadata entry that names the version of ATLAS."""
    metadata = layer.get("metadata")
    entries = metadata.items() if metadata else []
    return next((entry.get("value") for entry in entries if entry.text("name") == DATA_VERSION), None)


def _is_one(node: JsonNode) -> bool:
    techniques = node.get("techniques")
    return (
        techniques is not None
        and isinstance(techniques.value, list)
        and any(node.get(key) is not None for key in ("domain", "versions", "version"))
        and node.get("schema") is None
    )


def _versions(layer: JsonNode) -> Iterator[tuple[str, str]]:
    version = data_version(layer)
    if version is not None and isinstance(version.value, (str, JsonLiteral)):
        yield ids.ATLAS, str(version.value.text if isinstance(version.value, JsonLiteral) else version.value)
    versions = layer.get("versions")
    said = versions.text("attack") if versions else None
    if said and (layer.text("domain") or "").startswith(("enterprise", "mitre-enterprise")):
        yield ids.ATTACK, said


def _techniques(layer: JsonNode, group: str) -> Iterator[Mention]:
    techniques = layer.get("techniques")
    of = (layer.text("domain") or "").partition("-")[0]
    for place, entry in enumerate(techniques.items() if techniques else []):
        written = json_piece(entry, "techniqueID")
        if written is None:
            continue
        id_ = ids.canonical(written.value)
        name, beside = _name(entry)
        tactic = json_piece(entry, "tactic")
        yield Mention(
            id_,
            ids.kind_within(of, id_),
            ids.Role.TECHNIQUE,
            written,
            f"{group}techniques[{place}]",
            name=name,
            beside=beside,
            tactics=(tactic,) if tactic else (),
            group=group,
        )


def _name(entry: JsonNode) -> tuple[Piece | None, Beside]:
    """Return the technique's name where a layer says it: the format itself has no place for it."""
    for key in _NAME_KEYS:
        if piece := json_piece(entry, key):
            return piece, Beside.SURE
    metadata = entry.get("metadata")
    for item in metadata.items() if metadata else []:
        if (item.text("name") or "").lower().replace("_", " ") in {"name", "technique", "technique name"}:
            return json_piece(item, "value"), Beside.SURE
    return json_piece(entry, "comment"), Beside.MAYBE
