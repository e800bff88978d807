"""What callers are like, gathered while their events are scored."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from caponier.detect.traffic_profile.drift import TraitHistogram
from caponier.detect.traffic_profile.glances import Glances, Sums
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.engines.subjects import Scored


@dataclass
class ProfileBuilder:
    """Gathers the glances of everybody, for a portrait that is to be made."""

    blank: TrafficProfile
    _parts: list[tuple[list[str], Sums]] = field(default_factory=list)
    _glances: Glances = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nobody."""
        self._glances = self.blank.glances()

    def watch(self, scored: Scored) -> None:
        """Take a batch; batches come sorted by caller."""
        self._parts.append(_seen(self._glances, scored))

    def absorb(self, parts: Iterable[tuple[list[str], Sums]]) -> None:
        """Take the glances of others, gathered elsewhere, as if their batches had come here sorted by caller."""
        self._parts.append(self._glances.end())
        known = [(name, row) for names, sums in parts for name, row in zip(names, sums, strict=True)]
        known.sort(key=lambda one: one[0])
        if known:
            self._parts.append(([name for name, _ in known], np.stack([row for _, row in known])))

    def glances(self) -> tuple[list[str], Sums]:
        """Return all who were seen, and their glances."""
        self._parts.append(self._glances.end())
        return [name for names, _ in self._parts for name in names], np.concatenate([sums for _, sums in self._parts])

    def portrait(self, without: frozenset[str] = frozenset()) -> tuple[TrafficProfile, list[str]]:
        """Return the portrait of all who were seen but for some, and the names of its rows."""
        names, sums = self.glances()
        kept = np.array([at for at, name in enumerate(names) if name not in without], np.int64)
        portrait, chosen = self.blank.of(sums[kept])
        return portrait, [names[at] for at in kept[chosen]]


class Comparison:
    """Counts callers by their traits, to be compared with a portrait; holds no more for a longer log."""

    def __init__(self, portrait: TrafficProfile) -> None:
        self._portrait, self._glances = portrait, portrait.glances()
        self._tally = TraitHistogram.over(portrait)

    def watch(self, scored: Scored) -> None:
        """Take a batch; batches come sorted by caller."""
        self._count(_seen(self._glances, scored)[1])

    def end(self) -> TraitHistogram:
        """Return the count of all who were seen."""
        self._count(self._glances.end()[1])
        return self._tally

    def _count(self, sums: Sums) -> None:
        if len(sums):
            self._tally = self._tally.with_rows(self._portrait, self._portrait.traits(sums))


def _seen(glances: Glances, scored: Scored) -> tuple[list[str], Sums]:
    return glances.add(scored.names, scored.similar.batch, scored.asked, bool(scored.resumed[:1].any()))
