"""Whoever comes among many new names at one address is who his address is, until his own name is let in.

A model server that turns a made-up key away may have looked at something else in that request: at a cookie, or at a
header that the guard does not read. Then anybody who is let in can write another name into each query, and for each of
them detection would begin anew. So an address has its names let in a few an hour, whatever a server is taken to check.
"""

import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from caponier.app.guard.made_up_names import LONG_S, remember
from caponier.guard.call import Call
from caponier.guard.events import Row
from caponier.guard.exchange import Caller, Exchange
from caponier.records.finding import Finding
from caponier.telemetry.client_address import sender_address

MANY: Final = 10
"""New names of an address that count within an hour; more where the log shows that as usual there."""
ASKED: Final = 10
"""Answered queries of a name that came too late for that, after which it may be let in beside those that come first."""
DAY_S: Final = 86_400.0
"""For how long a name is new enough to lose its place, and an address has none."""
MOST_KNOWN: Final = 100_000
"""Names that count, and others, those that came least lately forgotten first."""
MOST_ACCUSED: Final = 1_000
"""Findings that wait for the next request."""
MOST_PLACES: Final = 10_000
"""Addresses of which it is remembered which names were let in there."""
SEARCHES: Final = frozenset({"input_search", "iterative_query", "score_climb"})
"""Detectors of queries that follow from each other. Whatever else is counted adds up over those who count as one."""


@dataclass(slots=True)
class _Own:
    """A name that counts."""

    place: str
    """Where it was let in."""
    since: float
    answered: bool
    """Whether any query of it was."""


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

    Used in the thread that serves requests; `known` before it does, and `found_together` in any.

    Args:
        is_shared: Tells of an address whether many are known to be behind it, so that all names count there.
        steady: Tells seconds that are never set.
    """

    def __init__(
        self, is_shared: Callable[[str], bool] = lambda _: False, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_shared, self._steady = is_shared, steady
        self._own: OrderedDict[str, _Own] = OrderedDict()
        self._waiting: OrderedDict[str, int] = OrderedDict()
        """Names that do not, and how many of their queries were answered."""
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._past: defaultdict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        """By address: of each name in the log the hour in which it came first, and its events."""
        self._usual: dict[str, int] = {}
        self._accused: deque[frozenset[str]] = deque(maxlen=MOST_ACCUSED)
        self._closed: OrderedDict[str, float] = OrderedDict()
        """Addresses at which no name is let in, and since when."""
        self._crowds: OrderedDict[str, str | None] = OrderedDict()
        """By address: the one name that counts as it, or None where more than one does."""

    def __call__(self, caller: Caller, call: Call) -> Caller:
        """Return a caller as whom he counts; what is in force against his name holds all the same."""
        name, place = caller.principal, caller.place
        if name is None or place is None or caller.proven or call.operation == "health":
            return caller
        while self._accused:
            self._close(self._accused.popleft())
        if name in self._own:
            self._own.move_to_end(name)
            return caller
        if self._is_shared(place):
            return caller
        # Before it is answered: else all that are under way at once would be among the first.
        let_in = self._lately(place).first
        if len(let_in) < self._limit(place):
            self._let_in(name, place, let_in, answered=False)
            return caller
        crowd = self._crowds.get(place, name)
        remember(self._crowds, place, name if crowd == name else None, MOST_PLACES)
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
                self._let_in(name, place, let_in, answered=True)

    def known(self, event: Row) -> None:
        """Take an event of before this started: its name counted then."""
        name, address = event.get("principal"), event.get("source_ip")
        if not isinstance(name, str):
            return
        place = sender_address(address) if isinstance(address, str) else ""
        hour = int(event["time"].timestamp() // LONG_S)
        came, asked = self._past[place].get(name, (hour, 0))
        self._past[place][name] = min(came, hour), asked + 1
        # With so little behind it, it is as new as one that was let in now.
        since = self._steady() if asked + 1 < ASKED else -DAY_S
        remember(self._own, name, _Own(place, since, answered=True), MOST_KNOWN)

    def found_together(self, names: Iterable[str]) -> None:
        """Take those whose queries are of one search: where they are new names of one address, that was one caller."""
        self._accused.append(frozenset(names))

    def adds_up(self, finding: Finding) -> bool:
        """Tell whether a finding may come of many callers who count as their address, though none of them attacks."""
        place = (finding.subject.sender or "").removeprefix("address:")
        is_crowd = self._crowds.get(place, "") is None
        return finding.subject.kind == "address" and is_crowd and finding.detector not in SEARCHES

    def _close(self, names: frozenset[str]) -> None:
        """Let no name in for a day where half of those found together were let in lately, and those count no more."""
        lately = self._steady() - DAY_S
        new = {name: own.place for name in names if (own := self._own.get(name)) and own.since > lately}
        for place, n in Counter(new.values()).items():
            if n > 1 and 2 * n >= len(names):
                remember(self._closed, place, self._steady(), MOST_PLACES)
                for name in new:
                    if new[name] == place:
                        del self._own[name]

    def _answer(self, name: str, place: str, *, answered: bool, stranger: bool) -> None:
        own = self._own.get(name)
        if own is not None and answered:
            own.answered = True
        elif own is not None and stranger and not own.answered:
            del self._own[name]
            self._lately(place).first.pop(name, None)

    def _let_in(self, name: str, place: str, names: OrderedDict[str, float], *, answered: bool) -> None:
        names[name] = self._steady()
        remember(self._own, name, _Own(place, names[name], answered), MOST_KNOWN)

    def _limit(self, place: str) -> int:
        """Return how many new names of an address are let in within an hour.

        As many as came there in its busiest hour but one: in the first that the log tells of, everybody was new. And
        only such as stayed: whoever made up thousands before must not be granted as many now.
        """
        if self._closed.get(place, -DAY_S) > self._steady() - DAY_S:
            return 0
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
