"""Changes of a layer beyond single ids: its format, the version it names, and annotations that fall together."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from caponier.formats.strict_json import JsonNode
from caponier.matrix.documents import ids
from caponier.matrix.documents.layer import DATA_VERSION, data_version, group_of, layers_of
from caponier.matrix.documents.mention import Edit
from caponier.matrix.documents.rewriting import Carried, Replacement
from caponier.matrix.layer import FORMAT, NAVIGATOR
from caponier.matrix.versions.catalogue import Matrix

_OLD_DOMAINS: Final = {"mitre-enterprise": "enterprise-attack", "mitre-mobile": "mobile-attack"}
_JOINED: Final = ("metadata", "links")
_IDENTITY: Final = ("techniqueID", "tactic")


@dataclass(slots=True)
class LayerEdits:
    """What is to be changed in the text, and the moves with what became known of them."""

    edits: list[Edit]
    carried: dict[str, Carried]
    """By path: rows that say more than the moves did."""


def layer_edits(text: str, root: JsonNode, moves: Sequence[Replacement], before: Matrix, after: Matrix) -> LayerEdits:
    """Return the changes that make each layer one of format 4.5 about the new version, none of its annotations lost."""
    found = LayerEdits([], {})
    for number, layer in enumerate(layers_of(root)):
        group = group_of(root, number)
        found.edits += _format(layer)
        if before.version != after.version:
            found.edits += _domain(layer, before, after)
            found.edits += _version(layer, after)
            _together(text, layer, group, [move for move in moves if move.mention.group == group], found)
    return found


def number(version: str) -> str:
    """Return a version as layers name it: atlas-5.6 is 5.6.0, attack-enterprise-17.0 is 17.0."""
    tail = version.rpartition("-")[2]
    return f"{tail}.0" if version.startswith("atlas") and re.fullmatch(r"\d{1,2}\.\d{1,2}", tail) else tail


# --- format and version


def _format(layer: JsonNode) -> Iterator[Edit]:
    domain = layer.get("domain")
    if domain is not None and domain.value in _OLD_DOMAINS:
        yield Edit(domain.start, domain.end, json.dumps(_OLD_DOMAINS[str(domain.value)]))
    versions, version = layer.get("versions"), layer.get("version")
    whole = json.dumps({"layer": FORMAT, "navigator": NAVIGATOR})
    if versions is None or not versions.members():
        place = versions or version
        if place is None:
            yield from _append(layer, "versions", whole)
        else:
            yield Edit(place.key_start, place.end, f'"versions": {whole}')
        return
    if version is not None:
        yield _without(layer, "version")
    if versions.text("layer") != FORMAT:
        yield from _put(versions, "layer", json.dumps(FORMAT))
    if _numbers(versions.text("navigator") or "") < (4, 9, 0):
        yield from _put(versions, "navigator", json.dumps(NAVIGATOR))


def _domain(layer: JsonNode, before: Matrix, after: Matrix) -> Iterator[Edit]:
    domain = layer.get("domain")
    if domain is not None and before.kind != after.kind and after.kind == ids.ATLAS:
        yield Edit(domain.start, domain.end, '"atlas-atlas"')


def _version(layer: JsonNode, after: Matrix) -> Iterator[Edit]:
    if after.kind == ids.ATTACK:
        versions = layer.get("versions")
        if versions is not None and versions.get("attack") is not None:
            yield from _put(versions, "attack", json.dumps(number(after.version)))
        return
    if after.kind != ids.ATLAS:
        return
    entry = json.dumps({"name": DATA_VERSION, "value": number(after.version)})
    said, metadata = data_version(layer), layer.get("metadata")
    if said is not None:
        yield Edit(said.start, said.end, json.dumps(number(after.version)))
    elif metadata is None:
        yield from _append(layer, "metadata", f"[{entry}]")
    elif isinstance(metadata.value, list):
        yield _into(metadata, entry)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,6}", version))


# --- annotations that fall together


def _together(text: str, layer: JsonNode, group: str, moves: list[Replacement], found: LayerEdits) -> None:
    techniques = layer.get("techniques")
    entries = techniques.items() if techniques else []
    alike: dict[tuple[str, tuple[str, ...]], list[Replacement]] = defaultdict(list)
    for move in moves:
        alike[move.to, tuple(word.lower() for word in move.tactics)].append(move)
    for same in alike.values():
        if len(same) > 1 and any(_changed(move) for move in same):
            nodes = [entries[int(move.mention.where.removeprefix(group)[len("techniques[") : -1])] for move in same]
            _join(text, entries, nodes, same, found)


def _changed(move: Replacement) -> bool:
    written = tuple(piece.value for piece in move.mention.tactics)
    return move.to != move.mention.id or move.tactics != written


def _join(
    text: str, entries: list[JsonNode], nodes: list[JsonNode], moves: list[Replacement], found: LayerEdits
) -> None:
    """Put all that several annotations say into the first of them, and take the others away."""
    kept, first = nodes[0], moves[0]
    members = {key: text[member.start : member.end] for key, member in kept.members().items()}
    open_: list[str] = []
    for node, move in zip(nodes[1:], moves[1:], strict=True):
        open_ += _absorb(text, members, node, move.mention.id)
        place = next(index for index, entry in enumerate(entries) if entry is node)
        found.edits.append(Edit(entries[place - 1].end, node.end, ""))
    for key, member in kept.members().items():
        if key not in _IDENTITY and members[key] != text[member.start : member.end]:
            found.edits.append(Edit(member.start, member.end, members[key]))
    for key, raw in members.items():
        if key not in kept.members():
            found.edits += _append(kept, key, raw)
    names = ", ".join(dict.fromkeys(move.mention.id for move in moves))
    for move in moves:
        why = f"{len(moves)} annotations ({names}) are now one of {first.to}, at {first.mention.where}"
        if open_:
            why += f"; they disagree on {', '.join(dict.fromkeys(open_))}, the first was kept and the other noted"
        row = move.carried
        why = f"{row.why}; {why}" if row.why else why
        found.carried[move.mention.where] = replace(row, outcome="merged", needs_human=True, why=why)


def _absorb(text: str, members: dict[str, str], node: JsonNode, id_: str) -> list[str]:
    """Add what one more annotation says, as JSON text by key; return the keys on which the two disagree."""
    open_: list[str] = []
    noted: list[str] = []
    for key, member in node.members().items():
        raw = text[member.start : member.end]
        if key in _IDENTITY or members.get(key) == raw:
            continue
        if key not in members:
            members[key] = raw
        elif key in _JOINED and raw.startswith("[") and members[key].startswith("["):
            members[key] = _lists(members[key], raw)
        elif key == "comment" and raw.startswith('"') and members[key].startswith('"'):
            words = [json.loads(members[key]), json.loads(raw)]
            members[key] = json.dumps("\n".join(word for word in words if word), ensure_ascii=False)
        else:
            open_.append(key)
            value = member.value if isinstance(member.value, str) else raw
            noted.append(json.dumps({"name": f"{id_} {key}", "value": value}, ensure_ascii=False))
    for entry in noted:
        members["metadata"] = _lists(members.get("metadata", "[]"), f"[{entry}]")
    return open_


def _lists(one: str, other: str) -> str:
    inner = [part for part in (one[1:-1].strip(), other[1:-1].strip()) if part]
    return f"[{', '.join(inner)}]"


# --- small changes of JSON text


def _put(node: JsonNode, key: str, raw: str) -> Iterator[Edit]:
    member = node.get(key)
    if member is None:
        yield from _append(node, key, raw)
    else:
        yield Edit(member.start, member.end, raw)


def _append(node: JsonNode, key: str, raw: str) -> Iterator[Edit]:
    """Add a member behind the last one."""
    end = max((member.end for member in node.members().values()), default=None)
    entry = f"{json.dumps(key, ensure_ascii=False)}: {raw}"
    yield Edit(node.start + 1, node.start + 1, entry) if end is None else Edit(end, end, f", {entry}")


def _into(array: JsonNode, raw: str) -> Edit:
    """Add an item behind the last one."""
    items = array.items()
    return Edit(items[-1].end, items[-1].end, f", {raw}") if items else Edit(array.start, array.end, f"[{raw}]")


def _without(node: JsonNode, key: str) -> Edit:
    """Take a member away, with the comma that parts it from its neighbour; it is not the only one."""
    members = sorted(node.members().items(), key=lambda member: member[1].key_start)
    place = next(index for index, (name, _) in enumerate(members) if name == key)
    if place:
        return Edit(members[place - 1][1].end, members[place][1].end, "")
    return Edit(members[0][1].key_start, members[1][1].key_start, "")
