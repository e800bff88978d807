"""How many callers there were within the last hour: what the limit on automatic responses is a share of."""

import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from caponier.guard.exchange import Exchange

HOUR_S: Final = 3_600.0
MOST: Final = 200_000
"""That are remembered: a hundredth of them is as many as a machine should ever bind."""


class RecentCallers:
    """Counts callers whom the model server has answered; whoever is turned away could make up any number of names.

    A server that checks no keys answers made-up ones, too: where it was not seen to turn a key away, all names from one
    address count once.

    Args:
        models: Those that are known: a caller can make up any number of others.
    """

    def __init__(self, models: Collection[str]) -> None:
        self._models = frozenset(models)
        self._last: OrderedDict[str, float] = OrderedDict()
        self.checks_keys = False
        """Whether the model server turned a made-up key away."""
        self._keyed: set[str] = set()
        """Models of which it has turned a caller away since."""

    def note(self, exchange: Exchange, now: float | None = None) -> None:
        """Take a finished exchange; in one thread."""
        caller, call = exchange.caller, exchange.call
        # One who shows no key at all tells nothing: a server may want one, and take any.
        if exchange.status == 401 and call.asks and caller.principal and call.model in self._models:
            self._keyed.add(call.model)
        counts = self.checks_keys or call.model in self._keyed
        who = (caller.principal if counts else None) or caller.place
        if who is None or exchange.stranger or exchange.status // 100 != 2:
            return
        moment = time.monotonic() if now is None else now
        self._last[who] = moment
        self._last.move_to_end(who)
        self._prune(moment)

    def count(self, now: float | None = None) -> int:
        """Return how many there were; from any thread."""
        since = (time.monotonic() if now is None else now) - HOUR_S
        return sum(moment > since for moment in list(self._last.values()))

    def _prune(self, now: float) -> None:
        while len(self._last) > MOST or next(iter(self._last.values())) <= now - HOUR_S:
            self._last.popitem(last=False)
