"""Whether logs hold halves of the same requests, told from their first rows."""

from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from caponier.telemetry.joining.halves import kinds_of

MOST_FILES: Final = 50
"""Files of a run that are looked at."""


def are_halves(batches: Iterable[pa.RecordBatch]) -> bool:
    """Tell whether some events say what was asked, and others what else is known of the same requests.

    Args:
        batches: The first events of some logs, in `EVENT_SCHEMA`.
    """
    asked: list[pa.Array] = []
    said: list[pa.Array] = []
    for batch in batches:
        asks, says = kinds_of(batch)
        keys = batch.column("request_id")
        asked.append(keys.filter(pa.array(asks)))
        said.append(keys.filter(pa.array(says)))
    ids = pa.concat_arrays(asked) if asked else pa.array([], pa.string())
    others = pa.concat_arrays(said) if said else ids
    return bool(len(ids) and len(others) and pc.any(pc.is_in(others, value_set=ids)).as_py())
