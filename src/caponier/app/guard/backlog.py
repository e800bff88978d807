"""What waits for the guard's work: in memory as far as there is room, and all of it in a spool."""

from collections import Counter, deque
from threading import Lock
from typing import Final, NamedTuple

from caponier.guard.exchange import Caller, Exchange
from caponier.guard.spool import ExchangeSpool, Place
from caponier.guard.spooled import from_bytes, to_bytes
from caponier.records.event import UNAUTHENTICATED

QUEUE_LENGTH: Final = 20_000
QUEUE_BYTES: Final = 256 * 2**20
MOST_BYTES: Final = 32 * 2**20
"""Of requests and answers that are taken together, but for the last one."""
_WEIGHT: Final = 2_000
"""Bytes that a request counts for beside its body: to look at an empty one costs something, too."""


class _Waiting(NamedTuple):
    exchange: Exchange
    place: Place | None
    """In the spool; None if it is not there."""
    length: int
    """There."""


class ExchangeQueue:
    """Takes exchanges from the server's thread, which it never stops; it tells what does not fit."""

    def __init__(self, length: int = QUEUE_LENGTH, size: int = QUEUE_BYTES) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._length, self._size = length, size
        # Each is written by one thread only.
        self._put_bytes = self._taken_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, exchange: Exchange, place: Place | None = None, length: int = 0) -> bool:
        """Add an exchange; False if there is no room.

        Args:
            exchange: Finished, or finished but for its last byte.
            place: Where it stands in the spool, if it does.
            length: Bytes that it takes there.
        """
        held = self._put_bytes - self._taken_bytes
        if len(self._waiting) >= self._length or held + exchange.size > self._size:
            return False
        self._put_bytes += exchange.size
        self._waiting.append(_Waiting(exchange, place, length))
        return True

    @property
    def first(self) -> _Waiting | None:
        """The oldest one."""
        return self._waiting[0] if self._waiting else None

    def take(self) -> Exchange:
        """Take the oldest one.

        Raises:
            IndexError: If there is none.
        """
        exchange = self._waiting.popleft().exchange
        self._taken_bytes += exchange.size
        return exchange


class WaitingCallers:
    """Whose exchanges wait: touched by the server and by whoever takes them."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._lock = Lock()

    def came(self, exchange: Exchange) -> None:
        """Count an exchange that waits."""
        with self._lock:
            self._bytes[_sender(exchange)] += _WEIGHT + len(exchange.body)

    def left(self, exchange: Exchange) -> None:
        """Count it no more."""
        who = _sender(exchange)
        with self._lock:
            self._bytes[who] -= _WEIGHT + len(exchange.body)
            if self._bytes[who] <= 0:
                del self._bytes[who]

    def clear(self) -> None:
        """Count nothing: nothing waits, though a record that was broken has never left."""
        with self._lock:
            self._bytes.clear()

    def is_of(self, caller: Caller) -> bool:
        """Tell whether more waits of a caller than of all others together, who wait behind it."""
        with self._lock:
            own, all_ = self._bytes.get(_who(caller), 0), self._bytes.total()
        return all_ / 2 < own < all_


def _sender(exchange: Exchange) -> str:
    # Under a name that the model server did not take anybody could make another one wait.
    return exchange.caller.place or "" if exchange.status in UNAUTHENTICATED else _who(exchange.caller)


def _who(caller: Caller) -> str:
    return (None if caller.unproven else caller.principal) or caller.place or ""


class Backlog:
    """Exchanges in the order in which they were answered; what does not fit into memory is read back from the spool.

    Args:
        spool: Where they survive this process; None if they need not.
        queue: What is held in memory.
    """

    def __init__(self, spool: ExchangeSpool | None, queue: ExchangeQueue | None = None) -> None:
        self.spool, self.queue = spool, ExchangeQueue() if queue is None else queue
        self.broken = 0
        """Records of the spool that could not be read back."""
        self.callers = WaitingCallers()
        self._twice: list[Exchange] = []
        self.trouble: OSError | None = None
        """Why the last look at the spool took less than there was; None if nothing was in the way."""

    def __len__(self) -> int:
        """Return whether anything waits, and how much of it is in memory."""
        return len(self.queue) or (self.spool is not None and self.spool.wanted is not None)

    def keep(self, exchange: Exchange) -> None:
        """Put an exchange into the spool and the queue; called by the server, and quick.

        Raises:
            OSError: If it cannot be written; then it is in neither.
            TypeError: As `guard.spooled.to_bytes`.
        """
        if self.spool is None:
            return
        parts = to_bytes(exchange)
        # Before anybody can take it: what had left before it came would count for ever.
        self.callers.came(exchange)
        try:
            place = self.spool.append(parts)
        except OSError:
            self.callers.left(exchange)
            raise
        exchange.kept = True
        self.queue.put(exchange, place, sum(map(len, parts)))

    def put(self, exchange: Exchange) -> bool:
        """Put an exchange that is not in the spool into the queue; False if there is no room."""
        self.callers.came(exchange)
        there = self.queue.put(exchange)
        if not there:
            self.callers.left(exchange)
        return there

    def take(self, most: int) -> list[Exchange]:
        """Take the oldest ones, at most so many, and no more once they are large; see `trouble`."""
        taken: list[Exchange] = []
        size, self.trouble = 0, None
        while len(taken) < most and size < MOST_BYTES:
            first, wanted = self.queue.first, None if self.spool is None else self.spool.wanted
            if first is None and wanted is None:
                self.callers.clear()
                break
            try:
                found = self._from_queue(first, wanted) if first is not None else self._from_spool()
            except OSError as failed:
                self.trouble = failed
                break
            if found is not None:
                self.callers.left(found)
                taken.append(found)
                size += found.size
        return taken

    def twice(self) -> list[Exchange]:
        """Return exchanges that were taken from the spool, and then from the queue: somebody may wait for them."""
        twice, self._twice = self._twice, []
        return twice

    def _from_queue(self, first: _Waiting, wanted: Place | None) -> Exchange | None:
        if self.spool is None or first.place is None:
            return self.queue.take()
        if first.place == wanted:
            self.spool.skip(first.length)
            return self.queue.take()
        if wanted is None or first.place < wanted:
            # It was read from the spool before it was in the queue.
            self._twice.append(self.queue.take())
            return None
        return self._from_spool()

    def _from_spool(self) -> Exchange | None:
        if self.spool is None:
            return None
        broken = self.spool.broken
        data = self.spool.read()
        self.broken += self.spool.broken - broken
        if data is None:
            return None
        try:
            return from_bytes(data)
        except (ValueError, KeyError, TypeError):
            self.broken += 1
            return None
