"""How many callers there were within the last hour: what the limit on automatic responses is a share of."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final

from caponier.app.guard.made_up_names import MadeUpNames
from caponier.guard.events import Row
from caponier.guard.exchange import Exchange
from caponier.telemetry.client_address import sender_address

HOUR_S: Final = 3_600.0
MOST: Final = 200_000
"""That are remembered: a hundredth of them is as many as a machine should ever bind."""


class RecentCallers:
    """Counts callers whom the model server has answered; whoever is turned away could make up any number of names.

    A server that checks no keys answers made-up ones, too: where it was not seen to turn a key away, all names from one
    address count once, but for those that the guard has checked itself.

    Args:
        models: Those that are known: a caller can make up any number of others.
        is_shared: Tells of an address whether many are known to be behind it.
    """

    def __init__(self, models: Collection[str], is_shared: Callable[[str], bool] = lambda _: False) -> None:
        self._models = frozenset(models)
        self.names = MadeUpNames(self.is_checked, is_shared)
        """Those that are not known to be checked."""
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
        checked = caller.proven or self.is_checked(call.model)
        # What a server tells of itself it often tells anybody.
        sure = caller.proven or (checked and call.asks)
        moment = time.monotonic() if now is None else now
        answered = exchange.status // 100 == 2
        if exchange.stranger:
            return
        if caller.principal and caller.place and not checked:
            # Also where the guard refused him: detection looks at that, too.
            self.names.note(caller.principal, caller.place, moment)
        elif caller.principal and sure and answered:
            self.names.prove(caller.principal)
        who = (caller.principal if checked else None) or caller.place
        if who is None or not answered or (caller.principal and checked and not sure):
            return
        self._last[who] = moment
        self._last.move_to_end(who)
        self._prune(moment)

    def known(self, event: Row) -> None:
        """Take an event of before this started: whoever was there then is no new one."""
        name, address = event.get("principal"), event.get("source_ip")
        if isinstance(name, str) and isinstance(address, str) and not self.is_checked(event.get("model")):
            ago = max(0.0, time.time() - event["time"].timestamp())
            self.names.note(name, sender_address(address), time.monotonic() - ago)

    def is_checked(self, model: str | None) -> bool:
        """Tell whether the server of a model was seen to turn a made-up key away; from any thread."""
        return self.checks_keys or model in self._keyed

    def count(self, now: float | None = None) -> int:
        """Return how many there were; from any thread."""
        since = (time.monotonic() if now is None else now) - HOUR_S
        return sum(moment > since for moment in list(self._last.values()))

    def _prune(self, now: float) -> None:
        while len(self._last) > MOST or next(iter(self._last.values())) <= now - HOUR_S:
            self._last.popitem(last=False)
