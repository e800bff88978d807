"""Read logs into a spool: good events on disk, bad ones rejected, and what the log holds of each model."""

from collections.abc import Sequence
from math import prod
from pathlib import Path

from caponier.app.progress import Progress
from caponier.engines.spool import ModelSummary, Spool
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.streams import STDIN


def load_events(
    spool: Spool,
    paths: Sequence[Path],
    rejected: RejectedRows,
    progress: Progress,
    *,
    reader: str = "auto",
    lateness: float = LATENESS,
    salt: bytes = b"",
) -> list[ModelSummary]:
    """Fill a spool from logs.

    Args:
        spool: Takes the good events.
        paths: Files, folders, or `-` for standard input.
        rejected: Takes the others.
        progress: Told how many bytes were read.
        reader: See `telemetry.events.read_events`.
        lateness: Seconds by which a row may be out of order.
        salt: The workspace's salt.

    Returns:
        What the spool holds, model by model.

    Raises:
        InputError: If a path cannot be read, or nothing in the logs is an event.
    """
    progress.stage("Reading", _size(paths))
    for events in read_events(paths, rejected, reader=reader, lateness=lateness, salt=salt):
        spool.write(events)
        progress.advance(events.bytes_read)
    spool.seal()
    if not spool.rows:
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in rejected.reasons.most_common(3))
        raise InputError(
            f"holds no event: {reasons}" if reasons else "holds no event",
            where=", ".join(str(path) for path in paths),
            mend="Events need the columns time, model and operation; see docs/events.md",
        )
    return spool.models()


def feature_spec(summary: ModelSummary, workspace: Workspace | None, given: FeatureSpec | None) -> FeatureSpec | None:
    """Tell what a model takes: as given, as the inventory says, or as the log shows; None without any input.

    Raises:
        InputError: If the specification does not fit the inputs in the log.
    """
    if not summary.lengths:
        return None
    size = max(summary.lengths, key=lambda length: (summary.lengths[length], length))
    known = workspace.model(summary.model) if workspace else None
    spec = given or (known.features if known else None)
    if spec is None:
        if len(summary.shape) in (2, 3) and prod(summary.shape) == size:
            return FeatureSpec(kind="image", shape=tuple(summary.shape))
        return FeatureSpec(kind="numeric", shape=(size,))
    spec = spec if spec.shape else spec.model_copy(update={"shape": (size,)})
    if spec.size not in summary.lengths:
        raise InputError(
            f"the model is said to take {spec.size} values, but its inputs in the log have {size}",
            where=summary.model,
            mend="Correct [model.features] in caponier.toml, or --shape",
        )
    return spec


def _size(paths: Sequence[Path]) -> int | None:
    """Return the bytes to read, or None where compression or a pipe hides them."""
    total = 0
    for path in paths:
        if path == STDIN or path.suffix in (".gz", ".zst", ".parquet", ".pq") or not path.is_file():
            return None
        total += path.stat().st_size
    return total
