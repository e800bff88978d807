"""Events by cell instead of by caller: what one search is made of, however many accounts it is split over."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caponier.detect.similarity.cells import Cells
from caponier.engines.columns import Read, selected
from caponier.engines.shares import EVERYBODY, Share, bucket_of
from caponier.engines.spool import SEPARATOR, Spool, connected
from caponier.records.accused import BUCKET
from caponier.telemetry.features import Encoder

_BY_TIME: Final = """
select epoch_us(time) as time, source, seq, line, input, label{further}
from events
where model = ? and subject is not null and len(input) = ?
    and subject not in (select unnest(?::varchar[]))
{order}
"""


def by_cell(events: pa.RecordBatch, cells: Cells, encoder: Encoder, share: Share = EVERYBODY) -> pa.RecordBatch:
    """Name the cell of each event with an input as its subject, and sort by it, keeping the order within each.

    Args:
        events: In order of time, source and seq, or sorted so within whatever they are grouped by.
        cells: Of the model.
        encoder: Of the model.
        share: Cells that are wanted.
    """
    inputs = events.filter(pc.is_valid(events.column("input")))
    flat = inputs.column("input").flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    # Short numbers are sorted in one go, and what is in order of time is hardly sorted at all.
    codes = cells.of(encoder.encode(flat.reshape(-1, encoder.size))).astype(np.uint16)
    names = [f"{BUCKET}{SEPARATOR}{name}" for name in cells.names]
    wanted = share.holds(np.array([bucket_of(name) for name in names]))
    columns = [inputs.column(name).to_numpy() for name in ("seq", "source", "time")]
    order = np.lexsort([*columns, codes])
    order = order[wanted[codes[order]]]
    sorted_ = inputs.take(pa.array(order))
    subjects = pa.DictionaryArray.from_arrays(pa.array(codes[order].astype(np.int32)), pa.array(names, pa.string()))
    at = sorted_.schema.get_field_index("subject")
    named = subjects.cast(pa.string())
    return sorted_.set_column(at, "subject", named) if at >= 0 else sorted_.append_column("subject", named)


def cell_events(
    spool: Spool,
    model: str,
    encoder: Encoder,
    cells: Cells,
    rows: int,
    share: Share = EVERYBODY,
    columns: Iterable[Read] = (),
    without: Iterable[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Yield a model's attributed events with an input in batches, in order of time, each batch sorted by cell.

    Args:
        spool: Sealed events.
        model: Name of the model.
        encoder: Scale of its inputs.
        cells: How its queries are shared out.
        rows: Rows in a batch.
        share: Cells that are wanted.
        columns: Further columns that are wanted.
        without: Callers whose events are left out.
    """
    further = selected(columns)
    query = _BY_TIME.format(further=further, order=spool.by_time)
    with connected(spool) as connection:
        asked = connection.sql(query, params=[model, encoder.size, sorted(without)])
        for batch in asked.to_arrow_reader(rows):
            yield by_cell(batch, cells, encoder, share)
