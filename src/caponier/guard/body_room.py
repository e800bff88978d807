"""How much of large requests may be in memory at once, and how that is shared.

A body is held as a whole until it is answered. Whoever begins many and ends none would otherwise hold as much memory as
he has connections, times the largest body that there may be.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar, cast

from caponier.errors import InputError

SMALL: Final = 64 * 1024
"""Bytes up to which a body does not count: there are no more of these than connections."""
HALF_S: Final = 10.0
"""Seconds after which half as much counts of the time that somebody has had."""
MOST_KNOWN: Final = 10_000
LITTLE_S: Final = 0.001
"""Senders of whom it is remembered how long their bodies took, and seconds that are not worth it."""
_FIRST_GUESS: Final = 10e6
"""Bytes that are read in a second, until one has been."""
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
    read together would add up. Whoever has had the least time lately is next, so that others wait for the body that is
    being read, however many send how much; of those who have had none the smaller body goes first.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "caponier-guard-bodies")
        self._waiting: dict[str, deque[_Waiting]] = {}
        """By sender, the first first."""
        self._had: dict[str, tuple[float, float]] = {}
        """By sender: seconds of reading, and when these were counted."""
        self._seconds, self._bytes = 0.0, 0
        """Of all reading, of which it is guessed how long a body will take."""
        self._busy = False

    async def __call__(self, who: str, read: Callable[[], T], size: int = 0) -> T:
        """Return what `read` does, which reads a body of a sender.

        Args:
            who: Sends it.
            read: Called in the thread.
            size: Bytes of the body.
        """
        one = _Waiting(read, size, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(who, deque()).append(one)
        self._go_on()
        return cast("T", await one.done)

    def _go_on(self) -> None:
        if self._busy or not self._waiting:
            return
        now = time.monotonic()
        who = min(self._waiting, key=lambda one: self._lately(one, now) + self._guess(self._waiting[one][0].size))
        one = self._waiting[who].popleft()
        if not self._waiting[who]:
            del self._waiting[who]
        self._busy = True
        loop = one.done.get_loop()
        # Whoever has hung up meanwhile waits for nothing any more.
        work = loop.run_in_executor(self._thread, one.read) if not one.done.done() else loop.create_future()
        if one.done.done():
            work.set_result(None)
        work.add_done_callback(partial(self._ended, who, one, now))

    def _ended(self, who: str, one: "_Waiting", began: float, work: "asyncio.Future[Any]") -> None:
        self._busy = False
        now = time.monotonic()
        took = now - began
        self._seconds, self._bytes = self._seconds + took, self._bytes + one.size
        self._had[who] = (self._lately(who, now) + took, now)
        if len(self._had) > MOST_KNOWN:
            self._had = {name: had for name, had in self._had.items() if self._lately(name, now) > LITTLE_S}
        self._go_on()
        failed = None if work.cancelled() else work.exception()
        if one.done.done():
            return
        if work.cancelled():
            one.done.cancel()
        elif failed is not None:
            one.done.set_exception(failed)
        else:
            one.done.set_result(work.result())

    def _lately(self, who: str, now: float) -> float:
        seconds, at = self._had.get(who, (0.0, now))
        return float(seconds * 0.5 ** ((now - at) / HALF_S))

    def _guess(self, size: int) -> float:
        return size * self._seconds / self._bytes if self._bytes else size / _FIRST_GUESS


@dataclass(slots=True)
class _Waiting:
    """A body that waits to be read."""

    read: Callable[[], Any]
    size: int
    done: "asyncio.Future[Any]"
