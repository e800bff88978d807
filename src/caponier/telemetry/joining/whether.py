"""Whether logs hold halves of the same requests, told from their first rows."""

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from caponier.telemetry.joining.halves import ANSWERS, ASKED, TELLING, kinds_of, there

CALLERS: Final = ("principal", "session", "source_ip")
MOST_FILES: Final = 50
"""Files of a run that are looked at."""


def are_halves(batches: Iterable[pa.RecordBatch]) -> bool:
    """Tell whether some events say what was asked, and others what is known nowhere else of requests with an id.

    Whether these are the same requests shows when all of them are gathered: halves of one may stand far apart.

    Args:
        batches: The first events of some logs, in `EVENT_SCHEMA`.
    """
    asked: set[str] = set()
    said: set[str] = set()
    ask = False
    for batch in batches:
        asks, says = kinds_of(batch)
        ask = ask or bool(asks.any())
        asked |= _filled(batch, asks)
        said |= _filled(batch, says)
    # Answers that nobody gave so far may stand behind all of the questions.
    return ask and bool(said - asked or asked.isdisjoint(ANSWERS))


def names_callers_elsewhere(batches: Iterable[pa.RecordBatch]) -> bool:
    """Tell whether some logs say what was asked and by nobody, and others who asked something.

    Args:
        batches: The first events of some logs, in `EVENT_SCHEMA`.
    """
    asked_by_nobody = told = False
    for batch in batches:
        asks, named = there(batch, ASKED), there(batch, CALLERS)
        asked_by_nobody = asked_by_nobody or bool(asks.any() and not named.any())
        told = told or bool(named.any() and not asks.any())
    return asked_by_nobody and told


def _filled(batch: pa.RecordBatch, mask: Any) -> set[str]:
    """Return which columns some of the events have."""
    chosen = pa.array(mask)
    return {name for name in TELLING if batch.column(name).filter(chosen).null_count < mask.sum()}
