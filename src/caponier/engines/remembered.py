"""Which subjects a live engine remembers, where there are more than there is room for.

Whoever makes up names must not be able to push out somebody of whom more is known: neither with one query a name nor
with several. So the known are weighed: each event lifts a subject above a floor by the square of how many it has sent,
and the lowest goes first. When one goes, the floor rises to where it stood (greedy dual, as in Cao and Irani 1997). To
push out somebody of whom n events are known takes about n events by each of as many others as there is room for;
whoever has been silent for long goes some day all the same. A part of the room is for newcomers, whoever was there
last: however much is known of others, somebody new is looked at.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

KNOWN_AT: Final = 8
"""Events from which on a subject is known."""
KNOWN_SHARE: Final = 0.8
"""Of those that are remembered, at most, so that newcomers find room."""
MOST_COUNTED: Final = 200
"""Events beyond which a subject weighs no more: detectors know no more queries of it."""
_SLACK: Final = 4
"""Entries of the heap to each subject, beyond which outdated ones are thrown away."""


class Remembered:
    """The names of subjects, at most so many.

    Args:
        most: Names.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._new: OrderedDict[str, int] = OrderedDict()
        """Names of whom little is known, with their events; the one that was silent for longest first."""
        self._known: dict[str, tuple[int, int]] = {}
        """Names of whom more is, with the moment when they sent something last, and their events."""
        self._heap: list[tuple[int, int, str]] = []
        """Weights, moments and names; outdated where the moment is another by now: the weight of whoever is known as
        well as can be is always the same."""
        self._floor = self._moment = 0

    def __len__(self) -> int:
        return len(self._new) + len(self._known)

    def __iter__(self) -> Iterator[str]:
        yield from self._new
        yield from self._known

    def note(self, name: str, events: int) -> None:
        """Note that a subject has sent something."""
        before = self._known.pop(name, (0, 0))[1] or self._new.pop(name, 0)
        sent = min(before + events, MOST_COUNTED)
        if sent < KNOWN_AT:
            self._new[name] = sent
            return
        self._moment += 1
        self._known[name] = self._moment, sent
        heapq.heappush(self._heap, (self._floor + sent * sent, self._moment, name))
        if len(self._heap) > _SLACK * max(self._most, 1):
            self._heap = [one for one in self._heap if self._known.get(one[2], (None,))[0] == one[1]]
            heapq.heapify(self._heap)
        if len(self._known) > KNOWN_SHARE * self._most:
            # Back among those who are forgotten first, as their last.
            lowest, sent = self._lowest()
            self._new[lowest] = sent

    def surplus(self) -> Iterator[str]:
        """Forget those who are too many, and yield them."""
        while len(self) > self._most:
            yield self._new.popitem(last=False)[0] if self._new else self._lowest()[0]

    def forget(self, name: str) -> None:
        """Forget one, if it is remembered."""
        self._new.pop(name, None)
        self._known.pop(name, None)

    def _lowest(self) -> tuple[str, int]:
        """Take out whom the least is known of; the floor rises to where it stood."""
        while True:
            weight, moment, name = heapq.heappop(self._heap)
            if self._known.get(name, (None,))[0] == moment:
                self._floor = weight
                return name, self._known.pop(name)[1]
