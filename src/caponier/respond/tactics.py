"""Under which tactic a technique stands, and whether it is special to machine learning."""

from collections.abc import Iterable, Sequence
from typing import Final

from caponier.errors import InputError
from caponier.matrix import crosswalk
from caponier.matrix.catalogue import load
from caponier.matrix.technique import Color, Technique, TechniqueRef

UNKNOWN: Final = "Other"

_ATTACK: Final = {
    "Reconnaissance": "T1589 T1593 T1594 T1595 T1596",
    "Resource Development": "T1583 T1585 T1587 T1588 T1608",
    "Initial Access": "T1189 T1195",
    "Execution": "T1053 T1059 T1204 T1610",
    "Persistence": "T1136",
    "Privilege Escalation": "T1611",
    "Defense Evasion": "T1036 T1211 T1497 T1612 T1656",
    "Credential Access": "T1003 T1110 T1212 T1552",
    "Discovery": "T1057 T1526",
    "Lateral Movement": "T1021 T1210 T1550",
    "Collection": "T1005 T1213",
    "Command and Control": "T1071 T1105",
    "Exfiltration": "T1041 T1048 T1567",
    "Impact": "T1485 T1490 T1496 T1498 T1499 T1565",
}
"""Techniques of ATT&CK Enterprise that have no cell in the 2020 matrix, by tactic; the first where there are more."""

_BY_TECHNIQUE: Final = {id_: tactic for tactic, ids in _ATTACK.items() for id_ in ids.split()}


def by_tactic(techniques: Sequence[TechniqueRef]) -> dict[str, tuple[TechniqueRef, ...]]:
    """Sort the techniques of one finding under tactics, in the order of the techniques.

    The entries of the 2020 matrix say where, if there are any: references to ATLAS and ATT&CK beside them name the
    same acts, and go with the first of them. An entry that stands in two columns counts once, in the first one named.

    Returns:
        Techniques by the tactic's name; `Other` alone if nothing is known.
    """
    founding = [ref for ref in techniques if ref.matrix == "amltm-2020"]
    if not founding:
        return _grouped((tactic_of(ref), ref) for ref in techniques) or {UNKNOWN: ()}
    kept: list[TechniqueRef] = []
    for ref in founding:
        twins = {entry.same_as for entry in _founding(ref)}
        if not any(earlier.id in twins for earlier in kept):
            kept.append(ref)
    others = [ref for ref in techniques if ref.matrix != "amltm-2020"]
    placed = _grouped((tactic_of(ref), ref) for ref in kept)
    first = next(iter(placed))
    return placed | {first: (*others, *placed[first])}


def tactic_of(ref: TechniqueRef) -> str:
    """Return the name of a technique's tactic: of the 2020 matrix, or of ATLAS or ATT&CK where that has no column."""
    entry = next(iter(_founding(ref)), None)
    if entry is not None:
        return load().tactic(entry.tactics[0]).name
    if ref.matrix == "attack":
        return _BY_TECHNIQUE.get(ref.id) or _BY_TECHNIQUE.get(ref.id.partition(".")[0], UNKNOWN)
    try:
        atlas = load("atlas-5.6")
        return atlas.tactic(atlas.technique(ref.id).tactics[0]).name
    except InputError:
        # A reference from a newer matrix, or from somebody else's program.
        return UNKNOWN


def colors_of(techniques: Iterable[TechniqueRef]) -> frozenset[Color]:
    """Return the colours of one finding's techniques.

    Entries of the 2020 matrix say it themselves, and alone where there are any. Otherwise ATLAS ids have the colour of
    the 2020 entries that they map to, or orange; ATT&CK ids are white.
    """
    refs = list(techniques)
    own = frozenset(ref.color for ref in refs if ref.color is not None)
    return own or frozenset(color for ref in refs for color in _colors(ref))


def _grouped(placed: Iterable[tuple[str, TechniqueRef]]) -> dict[str, tuple[TechniqueRef, ...]]:
    groups: dict[str, tuple[TechniqueRef, ...]] = {}
    for tactic, ref in placed:
        groups[tactic] = (*groups.get(tactic, ()), ref)
    return groups


def _colors(ref: TechniqueRef) -> set[Color]:
    if ref.matrix == "attack":
        return {Color.WHITE}
    return {entry.color for entry in _founding(ref) if entry.color is not None} or {Color.ORANGE}


def _founding(ref: TechniqueRef) -> list[Technique]:
    """Return the 2020 entries that a reference means."""
    founding = load()
    if ref.matrix == "amltm-2020":
        return [founding.technique(ref.id)] if ref.id in founding else []
    if ref.matrix == "attack":
        return list(founding.carrying(ref.id) or founding.carrying(ref.id.partition(".")[0]))
    return [founding.technique(mapped.id) for mapped in crosswalk.to_2020(ref.id)]
