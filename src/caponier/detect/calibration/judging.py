"""From the scores of benign callers to what is rare: every caller at its age, one evidence over all detectors.

Every benign caller counts for as long as it was seen (`lives`); a score is ranked among benign callers of its age
(`tail_ranks`); what the strongest detectors say together is ranked once (`joint_tail`). What a caller is judged by was
learned from others (cross-fitting), first by the detectors, then by the ranks.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.calibration.ages import AGES, step_of
from caponier.detect.calibration.joint_tail import JointTail, evidence, whole
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import TailRanks

ALPHA: Final = 0.01
"""Share of benign callers that may be flagged, each over all that it asks in a use of up to `LONGER` times as long."""
LONGER: Final = 5
"""Times the calibration's span that the promise is for."""
FEWEST: Final = 30
"""Benign callers below which there is nothing to rank among."""
MOST: Final = 4_000
"""Benign callers that ranks are learned from: of more, evenly many are left out by a number of their name."""
FOLDS: Final = 5
DIVISIONS: Final = (3, 10)
"""Divisions into folds that the joint tail is averaged over, at least and at most: which callers taught together is
chance, and the fewer there are the more of it."""
DIVIDED: Final = 3_000
"""Callers over all divisions, within these limits."""


@dataclass(frozen=True)
class Ranking:
    """What the scores of one kind of subject are judged by.

    Args:
        ranks: By detector.
        tail: Of the evidence over all of them.
    """

    ranks: dict[str, TailRanks]
    tail: JointTail

    def __len__(self) -> int:
        """Return the number of benign subjects."""
        return len(self.tail)

    @classmethod
    def of(
        cls, lives: Mapping[str, "Gathered"], without: frozenset[str] = frozenset(), *, odd_ones: bool = True
    ) -> Self:
        """Rank benign subjects: all but those that are set aside, however high they come.

        To leave a fixed share of the highest out, as attackers that may be among them, made whoever shares a rare habit
        with benign ones rarer than he is. Attackers are told by their structure (`calibration.structure`).

        Args:
            lives: What each detector gathered of them, scored by what it learned from others.
            without: Subjects that are set aside.
            odd_ones: Whether one in a hundred may stand far apart to a detector, and is passed over by it. Of cells of
                like queries, which are few and nobody, each counts.
        """
        names = chosen(lives, without)
        known = {detector: one.of(names) for detector, one in lives.items()}
        ranks = {detector: TailRanks.of(one, _steps(one), odd_ones=odd_ones) for detector, (one, _) in known.items()}
        return cls(ranks, JointTail.of(_cross_fitted(known, names, _divisions(len(names)), odd_ones)))


Known = tuple[Lives, NDArray[np.int64]]
"""The lives of those subjects that a detector saw, and the (m,) places of them among all names."""


def chosen(lives: Mapping[str, "Gathered"], without: frozenset[str] = frozenset()) -> list[str]:
    """Return the subjects that are ranked among: all but those that are set aside, at most `MOST`."""
    names = sorted({name for one in lives.values() for name in one.names} - without)
    return names if len(names) <= MOST else sorted(sorted(names, key=_number)[:MOST])


def _steps(lives: Lives) -> int:
    """Return up to which step scores are ranked: callers in use ask for longer than those of the calibration."""
    oldest = AGES[int(lives.last.max(initial=0))]
    return int(step_of(np.array([min(oldest * LONGER, AGES[-1])]))[0]) + 1


def _number(name: str) -> int:
    # Backwards, so that it tells nothing of the number by which detectors were cross-fitted.
    return zlib.crc32(name[::-1].encode())


def _divisions(callers: int) -> int:
    least, most = DIVISIONS
    return min(most, max(least, DIVIDED // max(1, callers)))


def _cross_fitted(
    known: Mapping[str, Known], names: Sequence[str], divisions: int, odd_ones: bool
) -> NDArray[np.int64]:
    """Return everybody's evidence under ranks of the others, as (r, n)."""
    numbers = np.array([_number(name) for name in names], np.int64)
    found = np.zeros((divisions, len(names)), np.int64)
    for division in range(divisions):
        folds = numbers // FOLDS**division % FOLDS
        for fold in np.unique(folds):
            own = folds == fold
            found[division, own] = _among(known, own, odd_ones)
    return found


def _among(known: Mapping[str, Known], own: NDArray[np.bool_], odd_ones: bool) -> NDArray[np.int64]:
    """Return the evidence of some subjects, told by (n,), ranked among the others."""
    place = np.cumsum(own) - 1
    rarities = np.zeros((int(own.sum()), len(known)), np.int64)
    for column, (lives, at) in enumerate(known.values()):
        mine = own[at]
        if mine.all() or not mine.any():
            continue
        ranks = TailRanks.of(lives.only(~mine), int(lives.last.max()) + 1, odd_ones=odd_ones)
        rarities[place[at[mine]], column] = rarest(ranks, lives.only(mine))
    return evidence(rarities)


def rarest(ranks: TailRanks, lives: Lives) -> NDArray[np.int64]:
    """Return the greatest rarity of each life (n,) over its ages, in thousandths."""
    n, seen = lives.x.shape
    steps = np.broadcast_to(np.arange(seen), (n, seen))
    reached = steps <= lives.last[:, None]
    rarity = np.zeros((n, seen), np.int64)
    rarity[reached] = whole(ranks.rarity(np.expm1(lives.x[reached]), steps[reached]))
    found: NDArray[np.int64] = rarity.max(axis=1, initial=0)
    return found


@dataclass
class Gathered:
    """Gathers each subject's running maximum at each step of its age, whatever the batches."""

    _ids: dict[str, int] = field(default_factory=dict)
    """Number of each subject, in the order in which they came."""
    _parts: list[NDArray[np.int64]] = field(default_factory=list)
    """Of each batch, (3, h): the subject and step of each part of it, and its maximum."""

    def add(
        self, names: list[str], scores: NDArray[np.int64], ordinal: NDArray[np.int64], subject: NDArray[Any]
    ) -> None:
        """Take scores.

        Args:
            names: Of the subjects (s,).
            scores: (n,) sorted by subject and order.
            ordinal: (n,) how many queries, or events, the subject has sent, including this one.
            subject: (n,) index of the subject.
        """
        if not len(scores):
            return
        step = step_of(ordinal)
        begins = np.flatnonzero(np.diff(subject, prepend=-1) | np.diff(step, prepend=-1))
        here, place = np.unique(subject[begins], return_inverse=True)
        ids = np.array([self._ids.setdefault(names[at], len(self._ids)) for at in here.tolist()])
        self._parts.append(np.stack([ids[place], step[begins], np.maximum.reduceat(scores, begins)]))

    def absorb(self, other: "Gathered") -> None:
        """Take what was gathered elsewhere, of other subjects or of the same."""
        ids = np.array([self._ids.setdefault(name, len(self._ids)) for name in other._ids], np.int64)
        self._parts += [np.concatenate([ids[part[:1]], part[1:]]) for part in other._parts]

    @property
    def names(self) -> list[str]:
        """Everybody who was seen."""
        return list(self._ids)

    def of(self, names: Sequence[str]) -> Known:
        """Return the lives of those of some subjects that were seen, and their places among the names."""
        places = {self._ids[name]: at for at, name in enumerate(names) if name in self._ids}
        rows = np.full(len(self._ids), -1)
        rows[list(places)] = np.arange(len(places))
        ids, step, best = np.concatenate([np.zeros((3, 0), np.int64), *self._parts], axis=1)
        own = rows[ids] >= 0 if len(rows) else np.zeros(0, bool)
        row, step, best = rows[ids[own]], step[own], np.maximum(best[own], 0)
        maxima, last = np.zeros((len(places), int(step.max(initial=0)) + 1)), np.zeros(len(places), np.int64)
        np.maximum.at(maxima, (row, step), best)
        np.maximum.at(last, row, step)
        return Lives(np.log1p(np.maximum.accumulate(maxima, axis=1)), last), np.array(list(places.values()), np.int64)

    def peaks(self) -> dict[str, float]:
        """Return each subject's largest score."""
        ids, _, best = np.concatenate([np.zeros((3, 0), np.int64), *self._parts], axis=1)
        peak = np.zeros(len(self._ids))
        np.maximum.at(peak, ids, best)
        return dict(zip(self._ids, peak.tolist(), strict=True))
