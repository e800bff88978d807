"""How much of large requests may be in memory at once, and how that is shared.

A body is held as a whole until it is answered. Whoever begins many and ends none would otherwise hold as much memory as
he has connections, times the largest body that there may be.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from caponier.errors import InputError

SMALL: Final = 64 * 1024
"""Bytes up to which a body does not count: there are no more of these than connections."""
T = TypeVar("T")


class NoRoomError(InputError):
    """A request is as large as there is room no more."""


class BodyRoom:
    """Shares memory for bodies among those who send them.

    Each may hold as much as is free besides: one alone half of all, two a third each, and so on. So whoever comes finds
    room, unless there are very many others, and nobody is made to give back what he has begun.

    Args:
        most: Bytes in all.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()
        self._all = 0

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._all

    def take(self, who: str, size: int) -> None:
        """Hold more of a body.

        Args:
            who: Sends it.
            size: Bytes.

        Raises:
            NoRoomError: If that is too much; nothing more is held then.
        """
        if self._held[who] + size > self._most - self._all - size:
            if not self._held[who]:
                del self._held[who]
            raise NoRoomError("too many large requests are under way")
        self._held[who] += size
        self._all += size

    def give_back(self, who: str, size: int) -> None:
        """Hold as much less."""
        self._all -= size
        self._held[who] -= size
        if self._held[who] <= 0:
            del self._held[who]


class BodyReader:
    """Has large bodies read in a thread of its own, one at a time.

    A small body may unpack to hundreds of times as much, and each may take as much memory as one is allowed: what is
    read together would add up. Whoever sends several waits for his own, so that others wait for one of his at most.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "caponier-guard-bodies")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, who: str, read: Callable[[], T]) -> T:
        """Return what `read` does, which reads a body of a sender."""
        turn = self._turns.get(who) or asyncio.Lock()
        self._turns[who] = turn
        async with turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, read)
