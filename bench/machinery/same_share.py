"""How many attackers Caponier finds where it flags no more benign callers than another rule does.

Two rules that flag benign callers unequally often cannot be compared by what they find. So callers are ordered by the
evidence of all detectors, as `caponier scan` comes to it, and Caponier's level is put where so many benign callers pass
it as the other rule flags, or fewer where several are equal. Findings about like queries of many callers are left out
on both sides: they have no place in that order.
"""

from collections.abc import Collection, Mapping

import numpy as np

from caponier.detect.calibration.joint_tail import evidence
from caponier.detect.calibration.judging import Gathered, rarest
from caponier.detect.calibration.lives import Lives
from caponier.engines.plan import Plan
from caponier.engines.spool import caller_of


def strengths(plan: Plan, gathered: Mapping[str, Gathered]) -> dict[str, int]:
    """Return the evidence that each caller comes to over all that it asks, in thousandths.

    Args:
        plan: Of callers.
        gathered: Their scores, by detector.
    """
    names = sorted({name for one in gathered.values() for name in one.names})
    rarities = np.zeros((len(names), max(1, len(plan.lines))), np.int64)
    for column, line in enumerate(plan.lines):
        lives, at = gathered[line.name].of(names)
        if line.ranks is None or not len(at):
            continue
        # A score up to the limit counts for nothing, whatever benign callers have.
        told = np.where(lives.x > np.log1p(line.limit), lives.x, 0.0)
        rarities[at, column] = rarest(line.ranks, Lives(told, lives.last))
    return {caller_of(name).id: int(one) for name, one in zip(names, evidence(rarities), strict=True)}


def found_at_share(known: Mapping[str, int], benign: Collection[str], attackers: Collection[str], flagged: int) -> int:
    """Return how many attackers come higher than all but so many benign callers do."""
    falling = sorted((known.get(who, 0) for who in benign), reverse=True)
    level = falling[flagged] if flagged < len(falling) else 0
    return sum(known.get(who, 0) > level for who in attackers)
