"""A log that can be shared: nobody and nothing in it can be told, and most detections still see what they see.

Names are hashed with a salt that is thrown away, times are moved by one offset that nobody keeps, inputs are quantised
to the 128 levels that similarity is told by, or replaced by digests.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from caponier.app.inference.load import enrichments_of, feature_spec, load_events, scale_of
from caponier.app.inference.plan import enabled
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.progress import Progress, Silent
from caponier.detect.detector import Signal
from caponier.engines.local import BATCH_ROWS
from caponier.engines.spool import Spool, sorted_by_time
from caponier.formats.atomic_file import replacing
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import Workspace
from caponier.telemetry.digests import input_digest, typed_rows
from caponier.telemetry.features import LEVELS, Encoder
from caponier.telemetry.rejections import RejectedRows

HASHED: Final = ("event_id", "request_id", "system", "model", "model_version", "principal", "session", "source_ip")
"""Names that only have to be the same where they were the same."""
CLASSES: Final = ("label", "feedback")
DROPPED: Final = ("input_raw", "input_shape", "user_agent", "extra", "signals")
LONGEST_SHIFT: Final = 365 * 24 * 3_600
"""Seconds by which times are moved back at most; whole hours, so that days still look like days."""


class Inputs(StrEnum):
    """What to do with the inputs."""

    QUANTISED = "quantised"
    DIGEST = "digest"


@dataclass
class ExportReport:
    """What was written, and what detection loses by it."""

    rejected: RejectedRows
    events: int = 0
    losses: list[str] = field(default_factory=list)


def export_log(
    paths: Sequence[Path],
    out: Path,
    *,
    inputs: Inputs = Inputs.QUANTISED,
    workspace: Workspace | None = None,
    rejected: RejectedRows | None = None,
    options: ReadOptions = USUAL,
    progress: Progress | None = None,
) -> ExportReport:
    """Write a log as Parquet of which nobody can tell whose it is.

    Args:
        paths: Logs.
        out: The file.
        inputs: What to do with the inputs.
        workspace: Its inventory says what models take.
        rejected: Takes the rows that cannot be used.
        options: How the logs are to be read.
        progress: Told how far it is.

    Raises:
        InputError: If nothing in the logs is an event, or the file cannot be written.
    """
    watch = progress or Silent()
    report = ExportReport(rejected if rejected is not None else RejectedRows())
    salt, shift = secrets.token_bytes(32), timedelta(hours=secrets.randbelow(LONGEST_SHIFT // 3_600))
    with Spool() as spool:
        read = load_events(spool, paths, report.rejected, watch, options=options)
        encoders: dict[str, Encoder] = {}
        for summary in read:
            listed = workspace.model(summary.model) if workspace else None
            encoder = scale_of(summary, feature_spec(summary, listed.features if listed else None), spool)
            if isinstance(encoder, Encoder) and encoder.size:
                encoders[summary.model] = encoder
            elif isinstance(encoder, str):
                report.losses.append(f"{summary.model}: inputs are left out ({encoder})")
        anonymous = _Anonymous(salt, shift, encoders, inputs)
        watch.stage("Writing", spool.rows)
        with replacing(out) as beside, pq.ParquetWriter(beside, EVENT_SCHEMA, compression="zstd") as writer:
            for batch in sorted_by_time(spool, BATCH_ROWS):
                writer.write_batch(anonymous.of(batch))
                watch.advance(batch.num_rows)
        report.events = spool.rows
    report.losses += _losses(inputs, workspace)
    return report


def _losses(inputs: Inputs, workspace: Workspace | None) -> list[str]:
    detectors = enabled(workspace)
    told = []
    if inputs is Inputs.DIGEST:
        blind = [one.name for one in detectors if Signal.INPUT in one.needs]
        told.append(f"with digests in place of inputs these find nothing: {', '.join(sorted(blind))}")
    else:
        told.append("inputs have 128 levels a column: steps smaller than one of them cannot be seen")
    sketched = [one.name for one in detectors if Signal.TRAINING_SET in one.needs or enrichments_of(one)]
    if sketched:
        told.append(f"without exact inputs these cannot be prepared: {', '.join(sorted(sketched))}")
    told.append("user agents, raw inputs, results of enrichment and further columns are left out")
    return told


@dataclass
class _Anonymous:
    salt: bytes
    shift: timedelta
    encoders: dict[str, Encoder]
    inputs: Inputs
    _classes: dict[str, str] = field(default_factory=dict)

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch of which nobody can tell whose it is."""
        columns: dict[str, Any] = {name: batch.column(name) for name in EVENT_SCHEMA.names}
        models = columns["model"].to_pylist()
        columns["time"] = pa.array([time - self.shift for time in columns["time"].to_pylist()], columns["time"].type)
        columns |= self._inputs(models, columns["input"])
        for name in DROPPED:
            columns[name] = pa.nulls(batch.num_rows, EVENT_SCHEMA.field(name).type)
        for name in HASHED:
            columns[name] = pa.array([self._name(name, value) for value in columns[name].to_pylist()], pa.string())
        for name in CLASSES:
            columns[name] = pa.array([self._class(value) for value in columns[name].to_pylist()], pa.string())
        return pa.RecordBatch.from_arrays([columns[name] for name in EVENT_SCHEMA.names], schema=EVENT_SCHEMA)

    def _name(self, column: str, value: str | None) -> str | None:
        if value is None:
            return None
        made = hashlib.blake2b(
            value.encode("utf-8", "surrogatepass"), digest_size=8, key=self.salt, person=column[:16].encode()
        )
        return f"{'k' if column == 'principal' else column[0]}-{made.hexdigest()}"

    def _class(self, value: str | None) -> str | None:
        return None if value is None else self._classes.setdefault(value, f"class-{len(self._classes)}")

    def _inputs(self, models: Sequence[str], lists: pa.Array) -> dict[str, pa.Array]:
        rows: list[Any] = [None] * len(models)
        digests: list[str | None] = [None] * len(models)
        for model, encoder in self.encoders.items():
            places = [
                place
                for place, (name, values) in enumerate(zip(models, lists, strict=True))
                if name == model and values.is_valid and len(values) == encoder.size
            ]
            if not places:
                continue
            held = np.array([lists[place].as_py() for place in places], np.float32)
            if self.inputs is Inputs.DIGEST:
                for place, row in zip(places, typed_rows(held, encoder.spec.dtype), strict=True):
                    digests[place] = input_digest(row, self.salt)
            else:
                quantised = encoder.encode(held).astype(np.float32) / LEVELS
                for place, row in zip(places, quantised, strict=True):
                    rows[place] = row
        return {
            "input": pa.array(rows, EVENT_SCHEMA.field("input").type),
            "input_digest": pa.array(digests, pa.string()),
        }
