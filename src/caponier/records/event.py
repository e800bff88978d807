"""The inference event: the schema `caponier.event/1` that Parquet, JSON Lines and CSV carry under the same names.

One row is one *example*: a request with 32 instances is 32 rows.
"""

from typing import Final

import pyarrow as pa

SCHEMA_NAME: Final = "caponier.event/1"

OPERATIONS: Final = ("predict", "explain", "metadata", "feedback", "load", "unload", "health", "other")

REQUIRED: Final = ("time", "model", "operation")
"""Columns that a file must have; every other one may be absent."""

UNAUTHENTICATED: Final = (401, 403)
"""Status of answers to callers whom the model server turned away: what they called themselves is nobody's name."""

UNKNOWN: Final = "unknown"
"""Name of the model in the event of a request whose path names none."""

EVENT_SCHEMA: Final = pa.schema(
    [
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("event_id", pa.string()),
        pa.field("seq", pa.int64()),
        pa.field("request_id", pa.string()),
        pa.field("system", pa.string()),
        pa.field("model", pa.string(), nullable=False),
        pa.field("model_version", pa.string()),
        pa.field("principal", pa.string()),
        pa.field("session", pa.string()),
        pa.field("source_ip", pa.string()),
        pa.field("operation", pa.string(), nullable=False),
        pa.field("input", pa.list_(pa.float32())),
        pa.field("input_shape", pa.list_(pa.int32())),
        pa.field("input_raw", pa.string()),
        pa.field("input_digest", pa.string()),
        pa.field("signals", pa.map_(pa.string(), pa.float32())),
        pa.field("label", pa.string()),
        pa.field("scores", pa.list_(pa.float32())),
        pa.field("feedback", pa.string()),
        pa.field("latency_ms", pa.float64()),
        pa.field("cost", pa.float64()),
        pa.field("status", pa.int32()),
        pa.field("user_agent", pa.string()),
        pa.field("extra", pa.string()),
    ],
    metadata={"caponier.schema": SCHEMA_NAME},
)
"""`extra` holds the columns that the schema does not know, as one JSON object a row."""
