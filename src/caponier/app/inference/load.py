"""Read logs into a spool: good events on disk, bad ones rejected, and what the log holds of each model."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Final

import numpy as np

from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.inference.reading import Reading
from caponier.app.progress import Progress
from caponier.detect.detector import Enriched, EventDetector, Signal
from caponier.detect.registry import enrichments
from caponier.engines.local import Each
from caponier.engines.spool import ModelSummary, Spool, scale_sample
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.records.skip import Skip
from caponier.telemetry.events import event_files
from caponier.telemetry.features import Encoder
from caponier.telemetry.field_maps.choose import NO_MAP
from caponier.telemetry.raw_inputs import SpecOf
from caponier.telemetry.readers.carried import NOT_JSON
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.streams import STDIN

NOTHING: Final = np.zeros((0, 0), np.float32)
LACKS: Final = {
    Signal.PRINCIPAL: "no event names a caller; log a principal, a session or at least the address",
    Signal.INPUT: "no event has an input; log the inputs, or their encoded features",
    Signal.LABEL: "no event has a label; log the model's answers",
    Signal.SCORES: "no event has scores; log the model's class scores",
    Signal.STATUS: "no event has a status; log the HTTP status of the answers",
    Signal.COST: "no event has a cost; log what a request costs, such as tokens or steps",
    Signal.FEEDBACK: "no event has feedback; log the labels that callers send back",
}
"""What a log can lack, and what to switch on."""
ENOUGH_ANSWERS: Final = 100
NO_CLASSES: Final = (
    "answers hardly ever repeat, as with a regression, a ranking or an embedding: a changed answer then says nothing, "
    "so detectors recognise searches by their inputs and by falling answers; see docs/reference/input-kinds.md"
)
NOT_ENRICHED: Final = "the log was not enriched with {name}; add it with: caponier enrich"


def load_events(
    spool: Spool,
    paths: Sequence[Path],
    rejected: RejectedRows,
    progress: Progress,
    *,
    options: ReadOptions = USUAL,
    salt: bytes = b"",
    spec_of: SpecOf | None = None,
    each: Each | None = None,
) -> list[ModelSummary]:
    """Fill a spool from logs.

    Args:
        spool: Takes the good events.
        paths: Files, folders, or `-` for standard input.
        rejected: Takes the others.
        progress: Told how many bytes were read.
        options: How the logs are to be read.
        salt: The workspace's salt.
        spec_of: Says what a model takes, where that is known: of texts and categories that are logged as they came, the
            numbers that stand for them are taken.
        each: Reads several logs at once, where all are said to be in the event schema: then each stands by itself.

    Returns:
        What the spool holds, model by model.

    Raises:
        InputError: If a path cannot be read, or nothing in the logs is an event.
    """
    progress.stage("Reading", _size(paths))
    reading = Reading(options, salt, spec_of)
    files = event_files(paths, rejected) if each is not None and options.reader == "events" else []
    # A pipe is here alone, and what cannot be read is told here.
    if each is not None and files and all(file.path.is_file() for file in files):
        read_rows = reading.fill_with_each(spool, files, rejected, each)
    else:
        read_rows = reading.fill(spool, paths, rejected, progress)
    spool.seal()
    if not spool.rows and read_rows:
        raise InputError(
            f"none of its {read_rows:,} events was read: all are from other times, or from callers who are left out",
            where=", ".join(str(path) for path in paths),
            hint="Look at --last, --since, --until and --drop.",
        )
    if not spool.rows:
        reasons, first = rejected.reasons_in_words, next(iter(rejected.first), None)
        where = f"; the first is line {first.line:,}" if first else ""
        where += f" of {first.file}" if first and len(paths) > 1 else ""
        raise InputError(
            f"contains no events; rows were rejected for: {reasons}{where}" if reasons else "contains no events",
            where=", ".join(str(path) for path in paths),
            hint=_what_was_seen(paths, rejected),
        )
    return [replace(summary, told=rejected.spec_of(summary.model)) for summary in spool.models()]


def _what_was_seen(paths: Sequence[Path], rejected: RejectedRows) -> str:
    # Only here: it brings the readers of all security logs.
    from caponier.app.inference.security_log import security_log_note

    if other := security_log_note(paths):
        return other
    needs = "An event needs at least a time, and what the model was asked or answered"
    if not rejected.seen and any(NOT_JSON in one.reason for one in rejected.first):
        how = "caponier map show torchserve-access-log"
        return f"To read plain text, write a field map with a pattern for its lines; for an example: {how}"
    if not rejected.seen:
        return needs
    log = next((path for path in paths if path != STDIN), "FILE")
    told = list(rejected.told)[:3]
    doubts = "".join(f" {words}." for words in told)
    # Where guessing has failed there is no use in asking for it again.
    by_hand = f"Write a field map (docs/how-to/field-maps.md) or, for a data set: caponier scan dataset {log}"
    start = by_hand if any(NO_MAP in words for words in told) else f"Start a field map with: caponier map guess {log}"
    return f"{needs}. This log has: {', '.join(rejected.seen)}.{doubts} {start}"


def feature_spec(summary: ModelSummary, spec: FeatureSpec | None) -> FeatureSpec:
    """Tell what a model takes: as given, or else as the log shows; of kind `none` without any input.

    Raises:
        InputError: If the specification does not fit the inputs in the log.
    """
    if spec is None and summary.told is not None and summary.told.size in summary.lengths:
        return summary.told.filled()
    if not summary.lengths or (spec is not None and spec.kind == "none"):
        return spec if spec and spec.size is not None else FeatureSpec(kind="none")
    size = usual_length(summary)
    if spec is None:
        if len(summary.shape) in (2, 3) and prod(summary.shape) == size:
            return FeatureSpec(kind="image", shape=tuple(summary.shape))
        return FeatureSpec(kind="numeric", shape=(size,))
    spec = spec if spec.shape else spec.model_copy(update={"shape": (size,)})
    if spec.size not in summary.lengths:
        raise InputError(
            f"the model is said to take {spec.size} values, but its inputs in the log have {size}",
            where=summary.model,
            hint="Correct features of the [[model]] in caponier.toml, or --shape",
        )
    return spec


def usual_length(summary: ModelSummary) -> int:
    """Return the number of features that most inputs of a model have; there must be some."""
    return max(summary.lengths, key=lambda length: (summary.lengths[length], length))


def gap(summary: ModelSummary, detector: EventDetector) -> str | None:
    """Say what a detector lacks in the events of a model, and what to switch on; None if it can speak."""
    there = {
        Signal.PRINCIPAL: summary.attributed,
        Signal.INPUT: summary.inputs,
        Signal.LABEL: summary.labels,
        Signal.SCORES: summary.scores,
        Signal.STATUS: summary.statuses,
        # How long a text is stands for what it costs.
        Signal.COST: summary.costs or summary.texts,
        Signal.FEEDBACK: summary.feedbacks,
    }
    lacks = [LACKS[signal] for signal in LACKS if signal in detector.needs and not there[signal]]
    lacks += [NOT_ENRICHED.format(name=name) for name in enrichments_of(detector) if not summary.enriched.get(name)]
    return next(iter(lacks), None)


def no_classes(summary: ModelSummary) -> bool:
    """Tell whether a model's answers are no classes: those of a regression, a ranking or an embedding hardly recur."""
    return summary.labels >= ENOUGH_ANSWERS and summary.answers > summary.labels / 2


def enrichments_of(detector: EventDetector) -> list[str]:
    """Return the names of the enrichments that a detector reads; it cannot speak without them."""
    return sorted(column.name for column in detector.columns if isinstance(column, Enriched))


def lacking(
    summary: ModelSummary, detectors: Sequence[EventDetector], known: FeatureSpec
) -> tuple[list[EventDetector], list[Skip], list[str]]:
    """Tell the detectors that find in a model's events what they need from those that do not.

    Args:
        summary: The events.
        detectors: All.
        known: What the model takes: an enrichment that has nothing to say about such inputs is not asked for.

    Returns:
        The former; what cannot be looked for, and why; and, as remarks, what concerns few models.
    """
    gaps = {detector.name: lacks for detector in detectors if (lacks := gap(summary, detector))}
    # With costs, feedback and enrichments in the log, would it speak?
    enriched = {name: 1 for detector in detectors for name in enrichments_of(detector)}
    full = replace(summary, costs=1, feedbacks=1, enriched=enriched)
    idle = {d.name for d in detectors if d.name in gaps and gap(full, d) is None}
    skipped = [Skip(f"{summary.model}: {name}", lacks) for name, lacks in gaps.items() if name not in idle]
    unfit = {d.name: why for d in detectors if d.name in idle and (why := _unfit(d, known))}
    notes = [
        f"{summary.model}: {name} does not run; {unfit.get(name, lacks)}"
        for name, lacks in gaps.items()
        if name in idle
    ]
    if summary.texts and not summary.costs:
        by_length = [d.name for d in detectors if d.name not in gaps and Signal.COST in d.needs]
        notes += [f"{summary.model}: {name} goes by how long texts are; {LACKS[Signal.COST]}" for name in by_length]
    if no_classes(summary):
        unsupported = [d.name for d in detectors if d.name not in gaps and Signal.LABEL in d.needs]
        notes += [f"{summary.model}: {', '.join(unsupported)}: {NO_CLASSES}"] if unsupported else []
    return [detector for detector in detectors if detector.name not in gaps], skipped, notes


def _unfit(detector: EventDetector, known: FeatureSpec) -> str | None:
    """Say why an enrichment that a detector reads cannot be made for such inputs; None if each can."""
    made = enrichments()
    for name in enrichments_of(detector):
        if name in made and (why := made[name].lacks(known)):
            return f"{why.removeprefix('it is ')}; this model takes {known.kind} input"
    return None


def seeing(detectors: Sequence[EventDetector], known: FeatureSpec) -> tuple[list[EventDetector], dict[str, str]]:
    """Tell the detectors that can speak on a model's inputs from those that cannot where none is looked at.

    Returns:
        The former, and for each of the others by name the reason.
    """
    if known.kind != "none":
        return list(detectors), {}
    blind = [detector.name for detector in detectors if Signal.INPUT in detector.needs]
    why = 'inputs of this model are not looked at (kind = "none"); describe them, and build the baseline again'
    return [detector for detector in detectors if detector.name not in blind], dict.fromkeys(blind, why)


def scale_of(summary: ModelSummary, spec: FeatureSpec, spool: Spool) -> Encoder | str:
    """Learn the scale of a model's inputs, or say why they cannot be compared."""
    if not summary.lengths or spec.kind == "none":
        return Encoder.fit(FeatureSpec(kind="none"), NOTHING)
    size = spec.size or usual_length(summary)
    try:
        return Encoder.fit(spec, scale_sample(spool, summary.model, size))
    except InputError as unfit:
        return unfit.what


def _size(paths: Sequence[Path]) -> int | None:
    """Return the bytes to read, or None where compression or a pipe hides them."""
    total = 0
    for path in paths:
        if path == STDIN or path.suffix in (".gz", ".zst", ".parquet", ".pq") or not path.is_file():
            return None
        total += path.stat().st_size
    return total
