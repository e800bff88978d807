"""How much of large requests may be in memory at once, and how that is shared.

A body is held as a whole until it is answered. Whoever begins many and ends none would otherwise hold as much memory as
he has connections, times the largest body that there may be.
"""

from collections import Counter
from typing import Final

from caponier.errors import InputError

SMALL: Final = 64 * 1024
"""Bytes up to which a body does not count: there are no more of these than connections."""


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
