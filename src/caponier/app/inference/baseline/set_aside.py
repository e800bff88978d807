"""Who of a benign log nothing is learned from, and who is named because he stands apart: attackers may hide in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from caponier.detect.calibration.judging import Gathered
from caponier.detect.calibration.structure import Witness, attackers
from caponier.detect.detector import EventDetector, in_units, shown_by
from caponier.detect.figure_words import score_words
from caponier.engines.spool import caller_of
from caponier.formats.figures import figure

FEW: Final = 0.03
"""At most this share of benign callers stands apart: if more are like them, benign traffic is."""
APART: Final = 4.0
"""Times the score of everybody else from which on callers stand apart."""


@dataclass(frozen=True)
class Overrules:
    """What people know of callers in the logs, whatever these look like."""

    keep: frozenset[str] = frozenset()
    """Ids of callers who are benign: none of them is set aside."""
    drop: frozenset[str] = frozenset()
    """Ids of callers who are not: nothing is learned from them."""
    benign: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """By model and detector: the subjects that analysts called benign, in words, and the score up to which they did."""


NOTHING: Final = Overrules()


def set_aside(
    model: str,
    detectors: Sequence[EventDetector],
    found: Mapping[str, Gathered],
    canary_hits: Iterable[str],
    said: Overrules,
) -> tuple[frozenset[str], list[str]]:
    """Set aside whom the user names, who asked for a canary, and who shows two kinds of an attack's structure.

    Attackers in a benign log are what others are ranked among. But whoever stands out in one way may be a camera, a
    sensor or a job that nobody else has, and without it everybody like it would be flagged later: of those it is said
    who they are, and the user decides.

    Args:
        model: Its name.
        detectors: Those whose subjects are callers.
        found: What each of them gathered.
        canary_hits: Callers who asked for records that exist only where a thief finds them.
        said: What people know of callers.

    Returns:
        Who is set aside, and a note about each, and about those who stand apart.
    """
    everybody = {name for one in found.values() for name in one.names}
    benign = {who for (of, _), names in said.benign.items() if of == model for who in names}
    named = {name: caller_of(name) for name in everybody}
    kept = frozenset(name for name, who in named.items() if who.id in said.keep or who.in_words in benign)
    dropped = frozenset(name for name, who in named.items() if who.id in said.drop)
    notes = [f"{caller_of(name).in_words} was left out, as you said" for name in sorted(dropped)]
    thieves = frozenset(canary_hits) - kept - dropped
    notes += [_told(name, "it asked for canaries") for name in sorted(thieves)]
    shows = {one.name: kind for one in detectors if (kind := shown_by(one))}
    by_name = {one.name: one for one in detectors}
    attack = attackers(found, shows, dropped | thieves, kept)
    aside = dropped | thieves | attack.keys()
    notes += [_told(name, _why(by_name, two)) for name, two in sorted(attack.items())]
    for detector in detectors:
        odd = suspects(detector, found[detector.name].peaks())
        notes += told_apart(detector, {name: best for name, best in odd.items() if name not in kept | aside})
    return aside, notes


def _told(name: str, why: str) -> str:
    who = caller_of(name)
    return f"{who.in_words} was set aside: {why}; if this caller may do so, build again with --keep {who.id}"


def _why(detectors: Mapping[str, EventDetector], two: Sequence[Witness]) -> str:
    """Say what two detectors saw, and what would be usual if the callers who are set aside counted."""
    parts = []
    for one in two:
        detector = detectors[one.detector]
        score, without, among = (in_units(detector, value) for value in (one.score, one.without, one.among))
        usual = f"one benign caller in a hundred reaches {figure(without)}"
        more = f", or {figure(among)} if the callers set aside are counted, too" if one.among > one.without else ""
        parts.append(
            f"{shown_by(detector)} ({one.detector}: {score_words(detector.statistic)} {figure(score)}; {usual}{more})"
        )
    return f"it shows two signs of an attack, each far above all other callers: {' and '.join(parts)}"


def suspects(detector: EventDetector, peaks: Mapping[str, float]) -> dict[str, float]:
    """Return the largest scores of the few, by name, who stand apart from everybody else to a detector."""
    limit = detector.suspect
    if limit is None:
        return {}
    falling = sorted(peaks.items(), key=lambda one: (-one[1], one[0]))
    few = range(min(len(falling) - 1, max(1, int(FEW * len(falling)))), 0, -1)
    apart = next((at for at in few if falling[at - 1][1] >= APART * max(falling[at][1], limit / APART)), 0)
    return {name: best for name, best in falling[:apart] if best > limit}


def told_apart(detector: EventDetector, odd: Mapping[str, float]) -> list[str]:
    """Say who stands apart to a detector, and what to do."""
    return [
        f"{caller_of(name).in_words} scores far above all other callers with {detector.name} "
        f"({score_words(detector.statistic)} {figure(in_units(detector, best), 6)}); find out who this caller is, and "
        f"if it is an attacker, build again with --drop {caller_of(name).id}"
        for name, best in sorted(odd.items())
    ]
