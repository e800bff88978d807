"""A version as layers of the ATT&CK Navigator, format 4.5.

The Navigator draws the matrices it has data of, so the 2020 matrix goes out in ids of ATLAS (what is special to ML) and
of ATT&CK Enterprise (what is not), a layer each.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from caponier.matrix import attack, crosswalk
from caponier.matrix.evidence import Maturity
from caponier.matrix.layer import FORMAT, NAVIGATOR, Annotation, Layer
from caponier.matrix.technique import Color, Technique
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.writers.public_page import attack_page, shortname, technique_page

COLORS: Final = {Color.ORANGE: "#f5b06b", Color.WHITE: "#d9e1e8"}
_MATURITY_COLORS: Final = {Maturity.REALIZED: "#e6894a", Maturity.DEMONSTRATED: "#f6c99a", Maturity.FEASIBLE: "#eef1f4"}


def layers(matrix: Matrix, techniques: Iterable[Technique]) -> tuple[Layer, ...]:
    """Return the layers of entries of a version: one, or two for a 2020 matrix with entries of both colours.

    Args:
        matrix: The version.
        techniques: The entries that the layers are about.
    """
    entries = tuple(techniques)
    if matrix.kind == "amltm-2020":
        return _founding(matrix, entries)
    colors = {maturity.value: color for maturity, color in _MATURITY_COLORS.items()} if matrix.kind == "atlas" else {}
    annotations = [one for entry in entries for one in _own(matrix, entry, entries)]
    return (_layer(matrix, f"{matrix.name} ({matrix.version})", _domain(matrix), annotations, colors),)


def rows(matrix: Matrix, technique: Technique, said: dict[str, Any]) -> list[Annotation]:
    """Annotate an entry as the Navigator wants it: a top entry once under each tactic, one below it once for all.

    Args:
        matrix: The version of ATLAS or ATT&CK that the entry is of.
        technique: The entry.
        said: Score, comment, colour and so on.
    """
    if technique.parent is not None:
        return [Annotation({"techniqueID": technique.id, **said})]
    tactics = [shortname(matrix.tactic(id_)) for id_ in technique.tactics]
    return [Annotation({"techniqueID": technique.id, "tactic": tactic, **said}) for tactic in tactics]


def data_version(matrix: Matrix) -> str:
    """Return the version of ATLAS in three parts, as its own layers write it: `5.6.0`; or as it is: `2026.09`."""
    number = re.search(r"\d+(\.\d+)+$", matrix.version)
    if number is None:
        return matrix.version
    return f"{number[0]}.0" if re.fullmatch(r"\d\.\d+", number[0]) else number[0]


def _own(matrix: Matrix, technique: Technique, entries: Sequence[Technique]) -> list[Annotation]:
    page = technique_page(matrix, technique.id)
    said: dict[str, Any] = {}
    if technique.maturity:
        said["color"] = _MATURITY_COLORS[technique.maturity]
        said["comment"] = f"{technique.maturity.value}: {technique.maturity.words}"
        said["metadata"] = [{"name": "maturity", "value": technique.maturity.value}]
    said["links"] = [{"label": technique.id, "url": page}] if page else []
    if any(other.parent == technique.id for other in entries):
        said["showSubtechniques"] = True
    return rows(matrix, technique, said)


def _founding(matrix: Matrix, entries: Sequence[Technique]) -> tuple[Layer, ...]:
    atlas = load(crosswalk.load().target)
    # Colour decides, unless an entry has no id there: the one white entry without a technique of ATT&CK has one of
    # ATLAS, and a contributed one may have either or none.
    white = [e for e in entries if e.attack_ids and (e.color is Color.WHITE or not crosswalk.to_atlas(e.id))]
    special = _behind((e, [ref.id for ref in crosswalk.to_atlas(e.id)]) for e in entries if e not in white)
    plain = _behind((entry, entry.attack_ids) for entry in white)
    name = f"{matrix.name} ({matrix.version})"
    in_atlas = [
        row
        for id_, behind in special.items()
        for row in rows(atlas, atlas.technique(id_), _said(behind, technique_page(atlas, id_), id_, special))
    ]
    in_attack = [
        Annotation({"techniqueID": id_, **_said(behind, attack_page(id_), id_, plain)}) for id_, behind in plain.items()
    ]
    both = [
        _layer(atlas, f"{name}, in ATLAS ids", "atlas-atlas", in_atlas, _legend(Color.ORANGE), about=matrix),
        _layer(matrix, f"{name}, in ATT&CK ids", "enterprise-attack", in_attack, _legend(Color.WHITE), about=matrix),
    ]
    filled = tuple(layer for layer in both if layer.annotations) or (both[0],)
    nowhere = [entry for entry in entries if not entry.attack_ids and not crosswalk.to_atlas(entry.id)]
    return (_naming(filled[0], nowhere), *filled[1:]) if nowhere else filled


def _naming(layer: Layer, entries: Iterable[Technique]) -> Layer:
    """Name the entries that neither ATLAS nor ATT&CK has an id for: they have no cell, and must not get lost."""
    named = [{"name": "no cell for", "value": f"{entry.id} {entry.name}"} for entry in entries]
    return layer.changed(metadata=[*layer.document["metadata"], *named])


def _behind(ids_of: Iterable[tuple[Technique, Iterable[str]]]) -> dict[str, list[Technique]]:
    """Return ids of another matrix, in order, each with the entries that it stands for."""
    behind: dict[str, list[Technique]] = {}
    for entry, ids in ids_of:
        for id_ in ids:
            behind.setdefault(id_, []).append(entry)
    return dict(sorted(behind.items()))


def _said(behind: Sequence[Technique], page: str | None, id_: str, ids: Iterable[str]) -> dict[str, Any]:
    lines = [f"{entry.id} {entry.name}" + _how(entry, id_) for entry in behind]
    pairs = [{"name": "amltm-2020", "value": f"{entry.id} {entry.name}"} for entry in behind]
    color = next((entry.color for entry in behind if entry.color), Color.ORANGE)
    links = [{"label": id_, "url": page}] if page else []
    said = {"color": COLORS[color], "comment": "\n".join(lines), "metadata": pairs, "links": links}
    return {**said, "showSubtechniques": True} if any(other.startswith(f"{id_}.") for other in ids) else said


def _how(entry: Technique, id_: str) -> str:
    if id_ in entry.attack_ids:
        return f" ({attack.name(id_) or id_})"
    mapping = crosswalk.load().mapping(entry.id)
    return f": {mapping.relation.words}; {mapping.reason}" if mapping else ""


def _legend(color: Color) -> dict[str, str]:
    return {color.words: COLORS[color]}


def _domain(matrix: Matrix) -> str:
    if matrix.kind == "atlas":
        return "atlas-atlas"
    found = re.search(r"\b(enterprise|mobile|ics)\b", f"{matrix.version} {matrix.name.lower()}")
    return f"{found[1] if found else 'enterprise'}-attack"


def _layer(
    shown: Matrix,
    name: str,
    domain: str,
    annotations: Iterable[Annotation],
    legend: dict[str, str],
    about: Matrix | None = None,
) -> Layer:
    source = about or shown
    versions = {"layer": FORMAT, "navigator": NAVIGATOR}
    if domain != "atlas-atlas":
        named = re.search(r"-(\d+)(\.\d+)*$", source.version) if source.kind == "attack" else None
        versions["attack"] = named[1] if named else attack.VERSION.partition(".")[0]
    metadata = [{"name": "matrix", "value": source.version}]
    if domain == "atlas-atlas":
        metadata.append({"name": "atlas_data_version", "value": data_version(shown)})
    if source.released:
        metadata.append({"name": "released", "value": source.released.isoformat()})
    document = {
        "name": name,
        "versions": versions,
        "domain": domain,
        "description": f"The entries of {source.name}, version {source.version}",
        "metadata": metadata,
        "legendItems": [{"label": label, "color": color} for label, color in legend.items()],
    }
    return Layer(document, tuple(annotations))
