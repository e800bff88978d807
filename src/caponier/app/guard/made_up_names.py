"""Names that callers give themselves on a model server that was not seen to check keys, and where they come from.

There an address is the caller: whoever writes one name can write a thousand. But many may come from one address, so
that those who have long come from it are told from those who are new.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

from caponier.guard.call import Call
from caponier.guard.exchange import Caller
from caponier.records.finding import SubjectRef
from caponier.records.response_action import everybody_at

_Value = TypeVar("_Value")

LONG_S: Final = 3_600.0
"""For how long a name has to have come from an address to be no new one there."""
MOST_AT_ONE: Final = 5_000
"""Names of one address that are remembered: who makes up more makes the guard forget his own ones."""
MOST: Final = 100_000
"""Names in all."""
MOST_ASKED: Final = 20_000
"""Accused names of which it is remembered where they came from, whatever else is forgotten; and pardoned ones."""


class MadeUpNames:
    """Remembers where names came from that may be made up.

    Notes are taken in one thread; everything else may be asked in any.

    Args:
        is_checked: Tells of a model whether its server was seen to turn a made-up key away.
        is_shared: Tells of an address whether many are behind it, so that it is never bound.
    """

    def __init__(
        self,
        is_checked: Callable[[str | None], bool] = lambda _: False,
        is_shared: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._is_checked, self._is_shared = is_checked, is_shared
        self._names: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()
        """By address: since when each name has come from it."""
        self._held = 0
        self._places: dict[str, str] = {}
        """By name: the last address of it."""
        self._asked: OrderedDict[str, str] = OrderedDict()
        self._accused: OrderedDict[str, float] = OrderedDict()
        """By name: when something was last found of it."""
        self._pardoned: OrderedDict[str, None] = OrderedDict()
        self._proven: OrderedDict[str, None] = OrderedDict()
        """Names that a model server has checked."""

    def note(self, name: str, place: str, now: float | None = None) -> None:
        """Take a name that nobody has checked.

        Args:
            name: The principal.
            place: Address that it came from; see `Caller.place`.
            now: Seconds by `time.monotonic`; the present by default.
        """
        names = self._names.setdefault(place, OrderedDict())
        self._held += name not in names
        names.setdefault(name, time.monotonic() if now is None else now)
        names.move_to_end(name)
        self._names.move_to_end(place)
        self._places[name] = place
        if len(names) > MOST_AT_ONE:
            self._forget(place)
        while self._held > MOST:
            self._forget(next(iter(self._names)))

    def prove(self, name: str) -> None:
        """Take a name that was checked: whose it is, is known."""
        remember(self._proven, name, None, MOST)
        self._asked.pop(name, None)
        place = self._places.pop(name, None)
        names = self._names.get(place or "", OrderedDict[str, float]())
        self._held -= names.pop(name, None) is not None
        if place is not None and not names:
            self._names.pop(place, None)

    def address_of(self, caller: SubjectRef) -> SubjectRef | None:
        """Return the scope of the address that a caller's name was made up at; see `respond.limit.NameOrigins`."""
        if caller.kind == "address":
            return caller if caller == everybody_at(caller.id) else None
        name = _name_of(caller)
        place = self._places.get(name) or self._asked.get(name)
        if place is None:
            return None
        remember(self._asked, name, place, MOST_ASKED)
        return everybody_at(place)

    def is_new(self, caller: SubjectRef) -> bool:
        """Tell whether the address may be bound in a caller's stead; see `respond.limit.NameOrigins`.

        It is asked of callers alone of whom something was found. From then on their names are new ones: whoever makes
        up thousands, and keeps them for an hour, must not be spared for each of them.
        """
        address = self.address_of(caller)
        if address is None or address == caller or self._is_shared(address.id):
            return False
        name = _name_of(caller)
        if name not in self._pardoned:
            remember(self._accused, name, time.monotonic(), MOST_ASKED)
        return self._came_lately(name, address.id)

    def pardon(self, caller: SubjectRef) -> None:
        """Take a caller whom people have let go: what is found of him makes his name no new one again."""
        name = _name_of(caller)
        self._accused.pop(name, None)
        remember(self._pardoned, name, None, MOST_ASKED)

    def are_nothing(self, caller: Caller, call: Call) -> bool:
        """Tell whether it says nothing about a caller what he calls himself, so that he is who his address is.

        Where it cannot be told which model is asked, a name is worth something if the server of any has checked it.
        """
        if caller.place is None or caller.proven or self._is_checked(call.model) or self._is_shared(caller.place):
            return False
        if caller.principal is None:
            return True
        known = call.model is None and caller.principal in self._proven
        return not known and self._came_lately(caller.principal, caller.place)

    def _came_lately(self, name: str, place: str) -> bool:
        names = self._names.get(place)
        since = None if names is None else names.get(name)
        return since is None or time.monotonic() - max(since, self._accused.get(name, since)) < LONG_S

    def _forget(self, place: str) -> None:
        """Forget the name of an address that came least lately."""
        names = self._names[place]
        name, _ = names.popitem(last=False)
        self._held -= 1
        if self._places.get(name) == place:
            del self._places[name]
        if not names:
            del self._names[place]


def _name_of(caller: SubjectRef) -> str:
    return caller.id if caller.kind == "principal" else (caller.sender or "").removeprefix("principal:")


def remember(known: OrderedDict[str, _Value], name: str, value: _Value, most: int) -> None:
    """Keep what is known of a name, and forget of more than `most` those that came least lately."""
    known[name] = value
    known.move_to_end(name)
    while len(known) > most:
        known.popitem(last=False)
