"""How much of the traffic a log says that it holds."""

from dataclasses import dataclass
from typing import Final

from caponier.engines.spool import Spool, connected

FIELD: Final = "sampling_fraction"
"""The column in which model servers that sample their logs say the share that was kept; Databricks' name for it."""


@dataclass(frozen=True)
class Sampled:
    """What the events of a model say of it."""

    answered: int
    """Predictions that did not fail: each of them had an input and an answer."""
    rate: float | None
    """Share of the traffic that was logged; None where no event tells."""


def sampled(spool: Spool, model: str) -> Sampled:
    """Read off the events of a model which share of its traffic they are."""
    with connected(spool) as connection:
        row = connection.execute(_SAMPLED, [model]).fetchone()
    answered, told, stands_for = row or (0, 0, None)
    # An event that was kept with a chance of 1 in 10 stands for ten.
    return Sampled(int(answered), told / stands_for if stands_for else None)


def rate_of(given: float | None, listed: float | None, told: Sampled) -> float:
    """Return the share of the traffic that is logged: as given, else as listed in the inventory, else as logged."""
    return next((rate for rate in (given, listed, told.rate) if rate is not None), 1.0)


_SAMPLED: Final = f"""
select count(*) filter (operation = 'predict' and coalesce(status, 200) < 400),
       count(*) filter (share > 0 and share <= 1), sum(1 / share) filter (share > 0 and share <= 1)
from (
    select operation, status,
           try_cast(regexp_extract(extra, '"{FIELD}"\\s*:\\s*"?([0-9.eE+-]+)', 1) as double) as share
    from events where model = ?
)
"""  # noqa: S608 - nothing in it is given from outside
