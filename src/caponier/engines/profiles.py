"""What callers are like, gathered while their events are scored."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from caponier.detect.traffic_profile.drift import TraitHistogram
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.detect.traffic_profile.profile_windows import ProfileWindows, Sums
from caponier.engines.subjects import Scored


@dataclass
class ProfileBuilder:
    """Gathers the windows of everybody, for a profile that is to be made."""

    blank: TrafficProfile
    _parts: list[tuple[list[str], Sums]] = field(default_factory=list)
    _windows: ProfileWindows = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nobody."""
        self._windows = self.blank.windows()

    def watch(self, scored: Scored) -> None:
        """Take a batch; batches come sorted by caller."""
        self._parts.append(_seen(self._windows, scored))

    def absorb(self, parts: Iterable[tuple[list[str], Sums]]) -> None:
        """Take the windows of others, gathered elsewhere, as if their batches had come here sorted by caller."""
        self._parts.append(self._windows.end())
        known = [(name, row) for names, sums in parts for name, row in zip(names, sums, strict=True)]
        known.sort(key=lambda one: one[0])
        if known:
            self._parts.append(([name for name, _ in known], np.stack([row for _, row in known])))

    def windows(self) -> tuple[list[str], Sums]:
        """Return all who were seen, and their windows."""
        self._parts.append(self._windows.end())
        return [name for names, _ in self._parts for name in names], np.concatenate([sums for _, sums in self._parts])

    def profile(self, without: frozenset[str] = frozenset()) -> tuple[TrafficProfile, list[str]]:
        """Return the profile of all who were seen but for some, and the names of its rows."""
        names, sums = self.windows()
        kept = np.array([at for at, name in enumerate(names) if name not in without], np.int64)
        profile, chosen = self.blank.of(sums[kept])
        return profile, [names[at] for at in kept[chosen]]


class ProfileComparison:
    """Counts callers by their traits, to be compared with a profile; holds no more for a longer log."""

    def __init__(self, profile: TrafficProfile) -> None:
        self._profile, self._windows = profile, profile.windows()
        self._tally = TraitHistogram.over(profile)

    def watch(self, scored: Scored) -> None:
        """Take a batch; batches come sorted by caller."""
        self._count(_seen(self._windows, scored)[1])

    def end(self) -> TraitHistogram:
        """Return the count of all who were seen."""
        self._count(self._windows.end()[1])
        return self._tally

    def _count(self, sums: Sums) -> None:
        if len(sums):
            self._tally = self._tally.with_rows(self._profile, self._profile.traits(sums))


def _seen(windows: ProfileWindows, scored: Scored) -> tuple[list[str], Sums]:
    return windows.add(scored.names, scored.similar.batch, scored.asked, bool(scored.resumed[:1].any()))
