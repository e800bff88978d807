"""Whoever comes among many new names at one address is who his address is, until his own name is let in.

A model server that turns a made-up key away may have looked at something else in that request: at a cookie, or at a
header that the guard does not read. Then anybody who is let in can write another name into each query, and for each of
them detection would begin anew. So an address has its names let in a few an hour, whatever a server is taken to check.
"""

import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from caponier.app.guard.made_up_names import LONG_S, remember
from caponier.guard.call import Call
from caponier.guard.events import Row
from caponier.guard.exchange import Caller, Exchange
from caponier.telemetry.client_address import sender_address

MANY: Final = 10
"""New names of an address that count within an hour; more where the log shows that as usual there."""
ASKED: Final = 10
"""Answered queries of a name that came too late for that, after which it may be let in beside those that come first."""
MOST_KNOWN: Final = 100_000
"""Names that count, and others, those that came least lately forgotten first."""
MOST_PLACES: Final = 10_000
"""Addresses of which it is remembered which names were let in there."""


@dataclass(slots=True)
class _Place:
    """When the names of an address were let in that were within the last hour, the first of them first."""

    first: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """At once."""
    later: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """Because they had asked for a while. They have places of their own, which nobody takes by a flood of names."""

    def forget(self, before: float) -> None:
        for names in (self.first, self.later):
            while names and next(iter(names.values())) <= before:
                names.popitem(last=False)


class Newcomers:
    """Tells as whom callers count.

    Used in the thread that serves requests; `known` before it does.

    Args:
        is_shared: Tells of an address whether many are known to be behind it, so that all names count there.
        steady: Tells seconds that are never set.
    """

    def __init__(
        self, is_shared: Callable[[str], bool] = lambda _: False, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_shared, self._steady = is_shared, steady
        self._own: OrderedDict[str, bool] = OrderedDict()
        """Names that count, and whether any query of theirs was answered so far."""
        self._waiting: OrderedDict[str, int] = OrderedDict()
        """Names that do not, and how many of their queries were answered."""
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._past: defaultdict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        """By address: of each name in the log the hour in which it came first, and its events."""
        self._usual: dict[str, int] = {}

    def __call__(self, caller: Caller, call: Call) -> Caller:
        """Return a caller as whom he counts; what is in force against his name holds all the same."""
        name, place = caller.principal, caller.place
        if name is None or place is None or caller.proven or call.operation == "health":
            return caller
        if name in self._own:
            self._own.move_to_end(name)
            return caller
        if self._is_shared(place):
            return caller
        # Before it is answered: else all that are under way at once would be among the first.
        let_in = self._lately(place).first
        if len(let_in) < self._limit(place):
            self._let_in(name, let_in, answered=False)
            return caller
        # He takes what his address is granted, whoever else may have written that name.
        return replace(caller, principal=None, session=None, possible=(*caller.possible, name), unproven=False)

    def note(self, exchange: Exchange) -> None:
        """Take a finished exchange: whoever was turned away is nobody, and whoever was answered is known better."""
        caller, place = exchange.caller, exchange.caller.place
        answered = exchange.call.asks and exchange.status // 100 == 2
        if place is None or exchange.unclear:
            return
        if caller.principal is not None:
            self._answer(caller.principal, place, answered=answered, stranger=exchange.stranger)
        elif caller.possible and answered:
            name = caller.possible[-1]
            asked = self._waiting.get(name, 0) + 1
            remember(self._waiting, name, asked, MOST_KNOWN)
            let_in = self._lately(place).later
            if asked >= ASKED and len(let_in) < self._limit(place):
                del self._waiting[name]
                self._let_in(name, let_in, answered=True)

    def known(self, event: Row) -> None:
        """Take an event of before this started: its name counted then."""
        name, address = event.get("principal"), event.get("source_ip")
        if not isinstance(name, str):
            return
        remember(self._own, name, True, MOST_KNOWN)
        if isinstance(address, str):
            names, hour = self._past[sender_address(address)], int(event["time"].timestamp() // LONG_S)
            came, asked = names.get(name, (hour, 0))
            names[name] = min(came, hour), asked + 1

    def _answer(self, name: str, place: str, *, answered: bool, stranger: bool) -> None:
        if answered and name in self._own:
            self._own[name] = True
        elif stranger and self._own.get(name) is False:
            del self._own[name]
            self._lately(place).first.pop(name, None)

    def _let_in(self, name: str, names: OrderedDict[str, float], *, answered: bool) -> None:
        names[name] = self._steady()
        remember(self._own, name, answered, MOST_KNOWN)

    def _limit(self, place: str) -> int:
        """Return how many new names of an address are let in within an hour.

        As many as came there in its busiest hour but one: in the first that the log tells of, everybody was new. And
        only such as stayed: whoever made up thousands before must not be granted as many now.
        """
        names = self._past.pop(place, None)
        if names is not None:
            hours = Counter(came for came, asked in names.values() if asked >= ASKED)
            usual = sorted(hours.values())[-2:-1]
            self._usual |= {place: usual[0]} if usual and usual[0] > MANY else {}
        return self._usual.get(place, MANY)

    def _lately(self, place: str) -> _Place:
        known = self._places.get(place) or _Place()
        remember(self._places, place, known, MOST_PLACES)
        known.forget(self._steady() - LONG_S)
        return known
