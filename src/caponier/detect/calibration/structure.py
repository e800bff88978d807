"""Attackers in the benign log, told by the structure of an attack: two kinds of it that no habit brings together.

Ranks cannot tell a habit that one benign caller in fifty has from an attack that one caller in fifty makes. But a habit
is odd in one way: a slider searches along ordinary inputs, a camera with its cap on is foreign and stays, a newcomer
fails. Whoever searches *and* is foreign, or asks for training rows *and* searches, each far beyond everybody who is not
under suspicion himself, does what attacks do and no habit that is known. That one benign caller does both by chance is
as unlikely as the product of both, for kinds are chosen so that what is common to them is in one (`Structure`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.calibration.joint_tail import UNIT, evidence
from caponier.detect.calibration.judging import FEWEST, Gathered, Known, chosen, rarest
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import Structure

SUSPECTED: Final = 0.03
"""Share of benign callers, those of the greatest evidence, among whom attackers are looked for, and whom nobody is held
against meanwhile. If more are like them, benign traffic is."""
ROUNDS: Final = 3
"""Once the first suspects are not ranked among, others may come higher than some of those."""
BEYOND: Final = 3.0
"""By how much the rarity of either kind lies beyond that of the highest of all others: a twentieth as often. Whoever
sends nothing but noise is foreign, and comes that much less far in small steps, for all noise is alike."""
COMMON: Final = 0.01
"""Share of benign callers whose reach is told, with attackers and without."""


@dataclass(frozen=True)
class Witness:
    """One of the detectors that a caller is set aside for.

    Args:
        detector: Its name.
        score: How high the caller came.
        without: The score that one benign caller in a hundred reaches at the caller's age.
        among: The same, had those who are set aside counted as benign callers.
    """

    detector: str
    score: float
    without: float
    among: float


def attackers(
    lives: Mapping[str, Gathered],
    shows: Mapping[str, Structure],
    without: frozenset[str] = frozenset(),
    kept: frozenset[str] = frozenset(),
) -> dict[str, tuple[Witness, Witness]]:
    """Return who of a benign log shows two kinds of an attack's structure, and by which detectors, the rarer first.

    Args:
        lives: What each detector gathered of benign callers, scored by what it learned from others.
        shows: What of an attack each detector sees; those that are not named see none.
        without: Callers who are set aside already.
        kept: Callers who are benign whatever they do.
    """
    names = chosen(lives, without)
    known = {detector: one.of(names) for detector, one in lives.items()}
    count = int(np.ceil(SUSPECTED * len(names)))
    if len(names) - count < FEWEST:
        return {}
    suspected, rarities = _suspected(known, len(names), count)
    told = [at for at, detector in enumerate(known) if detector in shows]
    limit, found = UNIT * (np.log(len(names) + 1) + BEYOND), {}
    for caller in np.flatnonzero(suspected).tolist():
        two = _rarest_two(rarities[caller], told, [shows.get(detector) for detector in known])
        if len(two) == 2 and rarities[caller, two[1]] >= limit and names[caller] not in kept:
            found[caller] = two
    return _witnessed(lives, known, names, found)


def _suspected(known: Mapping[str, Known], n: int, count: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return (n,) who is suspected, and the rarities (n, d) of everybody among those who are not."""
    suspected = np.zeros(n, bool)
    for _ in range(ROUNDS):
        rarities = np.zeros((n, len(known)), np.int64)
        for column, (lives, at) in enumerate(known.values()):
            others = lives.only(~suspected[at])
            if len(others.last):
                rarities[at, column] = rarest(TailRanks.of(others, int(lives.last.max()) + 1), lives)
        before, suspected = suspected, np.zeros(n, bool)
        suspected[np.argsort(-evidence(rarities), kind="stable")[:count]] = True
        if np.array_equal(before, suspected):
            break
    return suspected, rarities


def _rarest_two(rarities: NDArray[np.int64], told: list[int], shows: list[Structure | None]) -> list[int]:
    """Return the places of the rarest detector, and of the rarest that sees another kind; fewer if there are none."""
    order = sorted(told, key=lambda at: -int(rarities[at]))
    others = [at for at in order if shows[at] is not shows[order[0]]]
    return order[:1] + others[:1]


def _witnessed(
    lives: Mapping[str, Gathered], known: Mapping[str, Known], names: list[str], found: Mapping[int, list[int]]
) -> dict[str, tuple[Witness, Witness]]:
    """Say of those who were found what each detector would ask with them, and asks without."""
    aside, detectors = np.array(list(found), np.int64), list(known)
    witnesses: dict[int, dict[str, Witness]] = {caller: {} for caller in found}
    for place in sorted({at for two in found.values() for at in two}):
        life, at = known[detectors[place]]
        steps, peaks = int(life.last.max()) + 1, lives[detectors[place]].peaks()
        among, without = (TailRanks.of(life.only(one), steps) for one in (np.ones(len(at), bool), ~np.isin(at, aside)))
        for caller in (caller for caller, two in found.items() if place in two):
            last = life.last[at == caller]
            reach = [float(ranks.score_at(-np.log(COMMON), last)[0]) for ranks in (without, among)]
            witnesses[caller][detectors[place]] = Witness(detectors[place], peaks[names[caller]], *reach)
    return {
        names[caller]: (witnesses[caller][detectors[two[0]]], witnesses[caller][detectors[two[1]]])
        for caller, two in found.items()
    }
