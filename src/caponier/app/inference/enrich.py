"""Ask a model more about the inputs in its log, and store what it says with the events, as `signals`."""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.app.inference.asked_model import RowsRefusedError
from caponier.app.inference.load import feature_spec, load_events
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.progress import Progress, Silent
from caponier.app.workspace.workspace import read_salt
from caponier.detect.detector import Params
from caponier.detect.enrichment import Enrichment, Predict, Rows, rounded
from caponier.detect.registry import chosen_enrichments
from caponier.engines.spool import ModelSummary, Spool, scale_sample, sorted_by_time
from caponier.errors import InputError
from caponier.formats.atomic_file import replacing
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.digests import row_keys, typed_rows
from caponier.telemetry.rejections import RejectedRows

BENIGN_ROWS: Final = 2_000
"""Different benign inputs that enrichments learn from."""
AT_ONCE: Final = 256
"""Different inputs that an enrichment is made for in one go."""
REMEMBERED: Final = 100_000
"""Different inputs whose values are kept, so that a repeat is not asked again."""
BATCH_ROWS: Final = 4_096
MOST_VALUES: Final = 2**24
"""Values of inputs that are held in one go: of large pictures fewer rows."""
WRONG_LENGTH: Final = "an input of the wrong length"
REFUSED: Final = "an input that the model refuses"
NOT_DONE: Final = (WRONG_LENGTH, REFUSED)
"""Reasons for which an event that should be enriched is not."""


@dataclass
class EnrichReport:
    """What was asked, and what could not be."""

    rejected: RejectedRows
    enrichments: tuple[str, ...] = ()
    events: int = 0
    """In the log."""
    enriched: int = 0
    """Events that have something now that they had not."""
    kept: int = 0
    """Events that had everything before."""
    inputs: int = 0
    """Different inputs that the model was asked about."""
    left: Counter[str] = field(default_factory=Counter)
    """Why events stay as they are."""
    notes: list[str] = field(default_factory=list)


def enrich_events(
    paths: Sequence[Path],
    out: Path,
    predict: Predict,
    model: str,
    *,
    names: Sequence[str] = (),
    benign: Sequence[Path] = (),
    workspace: Workspace | None = None,
    spec: FeatureSpec | None = None,
    rejected: RejectedRows | None = None,
    options: ReadOptions = USUAL,
    progress: Progress | None = None,
) -> EnrichReport:
    """Write the events of logs into one file, those of a model with what it says about their inputs.

    Values that events have already are kept, and the model is not asked for them.

    Args:
        paths: Logs.
        out: The Parquet file to write; nothing is written if anything fails.
        predict: Asks the model.
        model: Its name in the logs; events of others are written as they are.
        names: Of the enrichments that are wanted; all by default.
        benign: Logs of benign traffic from which enrichments learn; the logs themselves by default.
        workspace: Its inventory says what the model takes.
        spec: What it takes, in place of the inventory.
        rejected: Takes the rows that cannot be used.
        options: How the logs are to be read.
        progress: Told how far it is.

    Raises:
        InputError: If the logs hold nothing to ask about, or the model cannot be asked.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    salt = read_salt(workspace) if workspace else b""
    listed = workspace.model(model) if workspace else None
    report, given = EnrichReport(rejected), spec or (listed.features if listed else None)
    with Spool() as spool, Spool() as other:
        summary = _of(
            model, load_events(spool, paths, rejected, watch, options=options, salt=salt, spec_of=lambda _: given)
        )
        known = _described(summary, given)
        taught = spool
        if benign:
            _of(model, load_events(other, benign, rejected, watch, options=options, salt=salt, spec_of=lambda _: given))
            taught = other
        asked = _Asked(predict)
        chosen = _apt(report, chosen_enrichments(names), known)
        sample = _benign_rows(asked, taught, model, known)
        maker = _Maker(asked, known, tuple((one, one.fit(asked, sample, known)) for one in chosen), report)
        watch.stage(f"Asking {model}", spool.rows)
        with replacing(out) as beside, pq.ParquetWriter(beside, EVENT_SCHEMA, compression="zstd") as writer:
            for batch in sorted_by_time(spool, _fitting(BATCH_ROWS, known)):
                writer.write_batch(maker.enriched(batch, model))
                watch.advance(batch.num_rows)
    report.events, report.enrichments = spool.rows, tuple(one.name for one in chosen)
    return report


def _of(model: str, read: Sequence[ModelSummary]) -> ModelSummary:
    """Return what the logs hold of the model.

    Raises:
        InputError: If they hold no input of it.
    """
    found = next((summary for summary in read if summary.model == model), None)
    if found is None:
        there = ", ".join(summary.model for summary in read)
        raise InputError(f"the logs hold no event of the model {model!r}", hint=f"They hold events of: {there}")
    if not found.inputs:
        hint = "Log the inputs; see docs/reference/events.md"
        raise InputError("no event of the model has an input", where=model, hint=hint)
    return found


def _described(summary: ModelSummary, given: FeatureSpec | None) -> FeatureSpec:
    known = feature_spec(summary, given)
    if not known.size:
        raise InputError('inputs of this model are not looked at (kind = "none")', where=summary.model)
    return known


def _apt(report: EnrichReport, enrichments: Sequence[Enrichment], spec: FeatureSpec) -> list[Enrichment]:
    """Return those that have something to say about such inputs; note the others."""
    lacks = {one.name: lack for one in enrichments if (lack := one.lacks(spec))}
    report.notes += [f"{name} is left out: {lack}" for name, lack in lacks.items()]
    if len(lacks) == len(enrichments):
        raise InputError("no enrichment is about such inputs", hint="; ".join(report.notes) or None)
    return [one for one in enrichments if one.name not in lacks]


def _benign_rows(asked: "_Asked", spool: Spool, model: str, spec: FeatureSpec) -> Rows:
    """Return different inputs that the model takes, chosen by their digests: the same whatever the order of a log."""
    rows = scale_sample(spool, model, spec.size or 0)
    _, first = np.unique(row_keys(typed_rows(rows, spec.dtype)), return_index=True)
    chosen = rows[first[: _fitting(BENIGN_ROWS, spec)]]
    return chosen[asked.takes(chosen)]


class _Asked:
    """Asks a model, and remembers the answer to the rows that every enrichment begins with."""

    def __init__(self, predict: Predict) -> None:
        self._predict = predict
        self._rows: Rows = np.zeros((0, 0), np.float32)
        self._scores: NDArray[np.float64] = np.zeros((0, 0))

    def __call__(self, rows: Rows) -> NDArray[np.float64]:
        return self._scores if rows is self._rows else self._predict(rows)

    def remember(self, rows: Rows) -> None:
        """Ask for rows (n, d) that others will ask for again."""
        self._scores = self._predict(rows)
        self._rows = rows

    def takes(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell which of the rows (n, d) the model answers, halving those that it refuses together.

        Raises:
            RowsRefusedError: If it refuses all of several rows.
        """
        try:
            self.remember(rows)
        except RowsRefusedError:
            if len(rows) == 1:
                return np.zeros(1, bool)
            half = len(rows) // 2
            taken = np.concatenate([self.takes(rows[:half]), self.takes(rows[half:])])
            if not taken.any():
                raise
            return taken
        return np.ones(len(rows), bool)


@dataclass
class _Maker:
    """Makes the enrichments of one model's inputs."""

    asked: _Asked
    spec: FeatureSpec
    learned: tuple[tuple[Enrichment, Params], ...]
    report: EnrichReport
    known: OrderedDict[int, NDArray[np.float32]] = field(default_factory=OrderedDict)
    """(e,) values by the digest of the input; NaN where there is none, less than any if the model refuses it."""

    def enriched(self, events: pa.RecordBatch, model: str) -> pa.RecordBatch:
        """Return the events, those of the model with what is known of their inputs."""
        signals = [dict(pairs or ()) for pairs in events.column("signals").to_pylist()]
        names = [one.name for one, _ in self.learned]
        rows = self._to_ask(events, model, signals, names)
        inputs = _flat(events.column("input").take(pa.array(rows, pa.int64())), self.spec.size or 0)
        keys = row_keys(typed_rows(inputs, self.spec.dtype)).tolist()
        for row, values in zip(rows, self._values(inputs, keys), strict=True):
            made = {name: float(value) for name, value in zip(names, values, strict=True) if np.isfinite(value)}
            self.report.enriched += bool(made.keys() - signals[row].keys())
            signals[row] = made | signals[row]
        at = events.schema.get_field_index("signals")
        maps = pa.array([list(pairs.items()) or None for pairs in signals], EVENT_SCHEMA.field(at).type)
        return events.set_column(at, EVENT_SCHEMA.field(at), maps)

    def _to_ask(
        self, events: pa.RecordBatch, model: str, signals: Sequence[dict[str, float]], names: Sequence[str]
    ) -> list[int]:
        """Return the rows of the model that lack something; count the others."""
        rows = []
        lengths = pc.list_value_length(events.column("input")).to_pylist()
        for row, name in enumerate(events.column("model").to_pylist()):
            if name != model:
                self.report.left["of another model"] += 1
            elif lengths[row] is None:
                self.report.left["no input"] += 1
            elif lengths[row] != self.spec.size:
                self.report.left[WRONG_LENGTH] += 1
            elif signals[row].keys() >= set(names):
                self.report.kept += 1
            else:
                rows.append(row)
        return rows

    def _values(self, inputs: Rows, keys: Sequence[int]) -> Iterator[NDArray[np.float32]]:
        """Yield the (e,) values of each row, asking for those that are new."""
        new = list({key: at for at, key in enumerate(keys) if key not in self.known}.items())
        mine = {key: self.known[key] for key in keys if key in self.known}
        step = _fitting(AT_ONCE, self.spec)
        for begin in range(0, len(new), step):
            some = new[begin : begin + step]
            mine |= zip((key for key, _ in some), self._made(inputs[[at for _, at in some]]), strict=True)
        for key in keys:
            self.report.left[REFUSED] += bool(np.isneginf(mine[key]).all())
            yield mine[key]
        self.known |= mine
        while len(self.known) > REMEMBERED:
            self.known.popitem(last=False)

    def _made(self, rows: Rows) -> NDArray[np.float32]:
        """Return the (n, e) values of different rows (n, d)."""
        values = np.full((len(rows), len(self.learned)), -np.inf, np.float32)
        taken = self.asked.takes(rows)
        if not taken.all():
            rows = rows[taken]
            self.asked.remember(rows)
        if len(rows):
            made = [rounded(one, one.enrich(self.asked, rows, params)) for one, params in self.learned]
            values[taken] = np.stack(made, axis=1)
        self.report.inputs += len(rows)
        return values


def _fitting(rows: int, spec: FeatureSpec) -> int:
    """Return how many of so many rows are held in one go."""
    return max(1, min(rows, MOST_VALUES // max(1, spec.size or 0)))


def _flat(lists: pa.Array, size: int) -> Rows:
    values = lists.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values, np.float32).reshape(-1, size)
