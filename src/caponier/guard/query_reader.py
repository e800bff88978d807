"""Whether a request is read here as the model server reads it, told before it goes there."""

from collections.abc import Callable
from dataclasses import dataclass

from caponier.guard.call import is_exact
from caponier.guard.exchange import Exchange
from caponier.guard.question import UnreadableQueryError, question
from caponier.records.event import UNKNOWN
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.body_limits import BodyLimits, UnreadError
from caponier.telemetry.column_layouts import STRANGE, ColumnLayouts


@dataclass(slots=True)
class QueryReader:
    """Reads requests to models whose inputs are looked at.

    Args:
        limits: What a body may cost.
        size_of: From a model to the number of values in one input; None where its inputs are not looked at.
        takes_of: From a model to what it takes, where that is known.
        server: What answers; None if that is not known.
        passed: Paths that pass unread, though it is not known what they ask for.
        layouts: Tells whether columns that nobody can put into the model's order are named and ordered as in other
            queries; None if they do not matter.
    """

    limits: BodyLimits
    size_of: Callable[[str | None], int | None]
    takes_of: Callable[[str | None], FeatureSpec | None]
    server: str | None = None
    passed: tuple[str, ...] = ()
    layouts: ColumnLayouts | None = None

    def why_not(self, exchange: Exchange, path: str) -> str | None:
        """Return why a request must not pass; None if it may. What was read stays with the exchange.

        Args:
            exchange: With its body.
            path: That is asked.
        """
        call = exchange.call
        # None of the servers that are known takes a path in another case: there it is one that is not known.
        strange = call.asks and self.server is not None and not is_exact(path)
        if strange and not exchange.body and not exchange.beside:
            return None
        if call.unknown or strange:
            known = self.server is None or path in self.passed
            return None if known else f"no path on which it is known what {self.server} is asked"
        size = self.size_of(call.model)
        if not call.asks or size is None:
            return None
        try:
            takes = self.takes_of(call.model)
            exchange.query = question(exchange, self.limits, size, takes, self.server)
        except (UnreadableQueryError, UnreadError) as unreadable:
            # Another one, for this one knows the body as it was unpacked.
            exchange.unreadable = type(unreadable)(str(unreadable))
            return str(unreadable)
        # Nobody here knows that the server takes by name what has names: one caller asks in one order.
        model, names = call.model or UNKNOWN, exchange.query.names or exchange.query.turned
        if self.layouts is None:
            return None
        who = exchange.caller.name
        if exchange.caller.unproven:
            # What only claims to be somebody's counts once the model server has answered it.
            passes = self.layouts.would_be_usual(model, names, who)
        else:
            passes = self.layouts.admits(model, names, who, exchange.arrived.timestamp())
        return None if passes else STRANGE
