"""Sigma tags to techniques: `attack.t1078` and `atlas.aml.t0012` first, then the white entry of the 2020 matrix.

Tags follow newer ATT&CK versions than ours as a rule: an id that is unknown here is kept with its tag as its name.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from caponier.errors import InputError
from caponier.matrix import crosswalk
from caponier.matrix.technique import Color, Technique, TechniqueId, TechniqueRef
from caponier.matrix.versions.catalogue import DEFAULT, load, resolve

_ATTACK: Final = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)")
_ATLAS: Final = re.compile(r"atlas\.(aml\.t\d{4}(?:\.\d{3})?)")
_FOUNDING: Final = re.compile(r"amltm\.([a-z]+(?:\.\d\d)+)")


def techniques(tags: Iterable[str]) -> tuple[tuple[TechniqueRef, ...], tuple[str, ...]]:
    """Return the techniques of a rule's tags, and the tags whose id is not known here.

    A tag `amltm.exfil.03.01` names an entry of the 2020 matrix; without one the top entries that carry the ATT&CK id
    are taken, or else those that map to the ATLAS id. Tactics and other namespaces are no techniques.
    """
    lowered = [tag.lower() for tag in tags]
    outer = [id_ for tag in lowered if (id_ := _outer(tag))]
    unknown = [_tag(id_) for id_ in outer if _known(id_) is None]
    refs = [_known(id_) or _stand_in(id_) for id_ in outer]
    named = [id_ for tag in lowered if (match := _FOUNDING.fullmatch(tag)) for id_ in [f"AMLTM.{match[1].upper()}"]]
    founding = load(DEFAULT)
    unknown += [id_.lower() for id_ in named if id_ not in founding]
    entries = [founding.technique(id_) for id_ in named if id_ in founding] or list(_white(outer))
    refs += [founding.ref(entry) for entry in entries]
    return tuple(dict.fromkeys(refs)), tuple(dict.fromkeys(unknown))


def _outer(tag: str) -> TechniqueId | None:
    if match := _ATTACK.fullmatch(tag):
        return TechniqueId("attack", match[1].upper())
    if match := _ATLAS.fullmatch(tag):
        return TechniqueId("atlas", match[1].upper())
    return None


def _known(id_: TechniqueId) -> TechniqueRef | None:
    try:
        return resolve(id_)
    except InputError:
        return None


def _stand_in(id_: TechniqueId) -> TechniqueRef:
    above = _known(TechniqueId(id_.matrix, _parent(id_)))
    return TechniqueRef(id_.matrix, id_.id, f"{above.name} ({_tag(id_)})" if above else _tag(id_))


def _tag(id_: TechniqueId) -> str:
    return f"{id_.matrix}.{id_.id.lower()}"


def _parent(id_: TechniqueId) -> str:
    return re.sub(r"(T\d{4})\.\d{3}$", r"\1", id_.id)


def _white(outer: list[TechniqueId]) -> Iterator[Technique]:
    founding = load(DEFAULT)
    carried = [
        entry
        for id_ in outer
        if id_.matrix == "attack"
        for entry in founding.carrying(_parent(id_))
        if entry.parent is None and entry.color is Color.WHITE
    ]
    if carried:
        yield from carried
        return
    for id_ in outer:
        if id_.matrix == "atlas":
            mapped = [founding.technique(found.id) for found in crosswalk.to_2020(id_.id)]
            yield from (entry for entry in mapped if entry.color is Color.WHITE)
