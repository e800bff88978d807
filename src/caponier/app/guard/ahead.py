"""How many answers a caller may get ahead of detection: one, and more as he is known better.

Whoever asks faster than detection looks would otherwise have what he came for before anybody has seen the first query;
so would he who asks everything in one request. Callers who ask now and then never wait, and one who has asked thousands
of queries of which nothing was found hardly ever does.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Final

from caponier.guard.exchange import Caller, Exchange

EARNED: Final = 50
"""Queries that were looked at, for which a caller may get one more answer ahead."""
MOST_AHEAD: Final = 256
MOST_KNOWN: Final = 10_000
"""Callers of whom it is remembered how much they asked."""


class AnswersAhead:
    """Counts answers that have left and were not looked at, by caller; touched by the server and by detection."""

    def __init__(self) -> None:
        self._unseen: Counter[str] = Counter()
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def left(self, exchange: Exchange) -> None:
        """Count an exchange whose answer leaves."""
        n = _asked(exchange)
        if n:
            with self._lock:
                self._unseen[exchange.caller.name or ""] += n

    def looked_at(self, exchanges: Iterable[Exchange], *, nothing_waits: bool) -> None:
        """Count exchanges that detection has looked at.

        Args:
            exchanges: Those.
            nothing_waits: Whether these were the last: then nothing is counted any more that was never looked at, such
                as what is broken.
        """
        with self._lock:
            for exchange in exchanges:
                n, who = _asked(exchange), exchange.caller.name or ""
                if n:
                    self._unseen[who] -= n
                    if self._unseen[who] <= 0:
                        del self._unseen[who]
                    self._seen[who] = self._seen.get(who, 0) + n
                    self._seen.move_to_end(who)
            while len(self._seen) > MOST_KNOWN:
                self._seen.popitem(last=False)
            if nothing_waits:
                self._unseen.clear()

    def is_too_far(self, caller: Caller, queries: int = 1) -> bool:
        """Tell whether so many more answers would be too many, before they are looked at.

        Args:
            caller: Who gets them.
            queries: That are answered.
        """
        who = caller.name or ""
        ahead = self._unseen.get(who, 0) + queries
        return ahead > 1 and ahead > min(1 + self._seen.get(who, 0) // EARNED, MOST_AHEAD)


def _asked(exchange: Exchange) -> int:
    """Return how many answers somebody gets who is known by his name."""
    if exchange.stranger or not exchange.call.asks or exchange.status // 100 != 2:
        return 0
    return 1 if exchange.query is None else len(exchange.query.rows)
