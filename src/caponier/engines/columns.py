"""Columns of events beside input and answer, as whole numbers: so that no score depends on how a stream was cut."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caponier.detect.detector import OPERATIONS, Column, Enriched

Read = Column | Enriched

NUMBER: Final = "-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?"
"""An answer that is a number, as of a regression: without scores it is itself what searches bring down. Of classes that
are numbered it says no more than the class does."""
_SQL: Final[Mapping[Column, str]] = {
    Column.OPERATION: "operation",
    Column.STATUS: "status",
    Column.COST: "cost",
    Column.SIZE: "case when left(ltrim(input_raw), 1) not in ('[', '{') then cast(length(input_raw) as double) end",
    Column.TOP_SCORE: "list_max(scores)",
    Column.SURENESS: f"coalesce(list_max(scores), case when regexp_full_match(label, '{NUMBER}') "
    "then try_cast(label as double) end)",
    Column.FEEDBACK: "feedback",
}
"""How the spool's view gives the raw column."""
_TYPES: Final[Mapping[Column, pa.DataType]] = {
    Column.OPERATION: pa.string(),
    Column.STATUS: pa.int32(),
    Column.COST: pa.float64(),
    Column.SIZE: pa.float64(),
    Column.TOP_SCORE: pa.float64(),
    Column.SURENESS: pa.float64(),
    Column.FEEDBACK: pa.string(),
}
COST_UNITS: Final = 1_000
SCORE_UNITS: Final = 10_000
_NUMBER: Final = re.compile(NUMBER)
SURE: Final = (8_192, 57_343)
"""Steps of the sureness at scores of 0 and 1; below and beyond them are those of scores that are no probabilities."""
_ODDS: Final = 20.0
"""Log-odds at which probabilities are 0 and 1 for the sureness: float32 tells none apart beyond 17."""
_OCTAVES: Final = 40
_MOST: Final = float(2**53)
"""Beyond it a float64 no longer tells neighbouring whole numbers apart."""


def selected(columns: Iterable[Read]) -> str:
    """Return what a query over the spool's view has to select besides, to get the raw columns."""
    return "".join(
        f", signals['{column}'] as \"{column}\"" if isinstance(column, Enriched) else f", {_SQL[column]} as {column}"
        for column in columns
    )


def raw_type(column: Read) -> pa.DataType:
    """Return the type of a raw column."""
    return pa.float32() if isinstance(column, Enriched) else _TYPES[column]


def in_order(columns: Iterable[Read]) -> tuple[Read, ...]:
    """Return the columns in a fixed order, each once."""
    wanted = frozenset(columns)
    enriched = sorted(column for column in wanted if isinstance(column, Enriched))
    return (*(column for column in Column if column in wanted), *enriched)


def coded(columns: Iterable[Read], events: pa.RecordBatch) -> dict[str, NDArray[Any]]:
    """Return the columns of a batch of n raw events as signals, (n,) each.

    Args:
        columns: Those that are wanted.
        events: Has the raw columns, each of its `raw_type`, under the same names.
    """
    return {str(column): _code(column, events.column(str(column))) for column in columns}


def _code(column: Read, values: pa.Array) -> NDArray[Any]:
    return _whole(values, 10**column.digits) if isinstance(column, Enriched) else _CODES[column](values)


def number_of(label: str | None) -> float | None:
    """Return the number that an answer is, as the spool's view reads it; None if it is none."""
    return float(label) if label is not None and _NUMBER.fullmatch(label) else None


def with_answers(events: pa.RecordBatch) -> pa.RecordBatch:
    """Take the score of an event for its answer, where it has no label and one score alone, as of a regression.

    Args:
        events: In `EVENT_SCHEMA`.
    """
    labels, scores = events.column("label"), events.column("scores")
    lone = pc.and_(labels.is_null(), pc.fill_null(pc.equal(pc.list_value_length(scores), 1), fill_value=False))
    if not lone.true_count:
        return events
    told = pa.array(lone_answers(scores.filter(lone).flatten().to_numpy(zero_copy_only=False)), pa.string())
    place = events.schema.get_field_index("label")
    return events.set_column(place, events.schema.field(place), pc.replace_with_mask(labels, lone, told))


def lone_answers(scores: Sequence[float] | NDArray[Any]) -> list[str]:
    """Return the answers (n,) of which each is a single score: two are the same where float32 tells them not apart."""
    return [str(one) for one in np.asarray(scores, np.float32)]


def label_codes(labels: pa.Array) -> NDArray[np.uint64]:
    """Give each answer a code that depends on its text alone; 0 where there is none."""
    encoded = labels.dictionary_encode()
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in encoded.dictionary.to_pylist()]
    codes = np.append(np.maximum(np.frombuffer(b"".join(digests), np.uint64), np.uint64(1)), np.uint64(0))
    codes_of_rows: NDArray[np.uint64] = codes[encoded.indices.fill_null(len(digests)).to_numpy()]
    return codes_of_rows


def _operations(values: pa.Array) -> NDArray[np.uint8]:
    places = pc.index_in(values, pa.array(OPERATIONS))
    return np.asarray(pc.fill_null(places, 0).to_numpy(zero_copy_only=False), np.uint8)


def _status(values: pa.Array) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(values, 0).to_numpy(zero_copy_only=False), np.int64)


def _cost(values: pa.Array) -> NDArray[np.int64]:
    return _whole(values, COST_UNITS)


def _size(values: pa.Array) -> NDArray[np.int64]:
    return _whole(values, 1)


def _score(values: pa.Array) -> NDArray[np.int64]:
    return _whole(values, SCORE_UNITS)


def _sureness(values: pa.Array) -> NDArray[np.int64]:
    scores = np.asarray(pc.fill_null(values.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False), np.float64)
    there = np.isfinite(scores)
    known = np.where(there, scores, 0.0)
    least, most = SURE
    inside = np.clip(known, 1e-12, 1 - 1e-12)
    odds = np.clip(np.log(inside / (1 - inside)) / (2 * _ODDS) + 0.5, 0, 1)
    # Logarithms of how far a score is outside, at most `_OCTAVES` doublings.
    outside = np.log2(1 + np.abs(known - inside)) * least / _OCTAVES
    steps = least + odds * (most - least) + np.where(known > 1, outside, np.where(known < 0, -outside, 0.0))
    sureness: NDArray[np.int64] = np.where(there, np.rint(np.clip(steps, 0, 2**16 - 1)), -1).astype(np.int64)
    return sureness


def _whole(values: pa.Array, units: int) -> NDArray[np.int64]:
    """Round to whole units; -1 where there is no number, a negative or an absurd one."""
    numbers = np.asarray(pc.fill_null(values.cast(pa.float64()), -1.0).to_numpy(zero_copy_only=False), np.float64)
    there = (numbers >= 0) & (numbers < _MOST / units)
    rounded: NDArray[np.int64] = np.where(there, np.rint(np.where(there, numbers, 0.0) * units), -1).astype(np.int64)
    return rounded


_CODES: Final[Mapping[Column, Callable[[pa.Array], NDArray[Any]]]] = {
    Column.OPERATION: _operations,
    Column.STATUS: _status,
    Column.COST: _cost,
    Column.SIZE: _size,
    Column.TOP_SCORE: _score,
    Column.SURENESS: _sureness,
    Column.FEEDBACK: label_codes,
}
