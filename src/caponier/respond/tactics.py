"""Under which tactic a technique stands, and whether it is special to machine learning."""

from collections.abc import Iterable, Sequence
from typing import Final

from caponier.errors import InputError
from caponier.matrix import attack, crosswalk
from caponier.matrix.technique import Color, Technique, TechniqueRef
from caponier.matrix.versions.catalogue import load

UNKNOWN: Final = "Other"


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
        return _attack_tactic(ref.id)
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


def _attack_tactic(id_: str) -> str:
    """Return the first tactic of a technique of ATT&CK Enterprise, or of what stands in its place."""
    gone = attack.retired(id_)
    standing = gone.replaced_by if gone and gone.replaced_by else id_
    under = attack.tactics_of(standing) or attack.tactics_of(standing.partition(".")[0])
    return under[0].name if under else UNKNOWN


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
