"""The verbs of `import caponier`: each takes tables, arrays or paths, and returns records."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from caponier.app.inference.baseline import build
from caponier.app.inference.scan import scan_inference as _scan_inference
from caponier.app.notebook.given import dataset_of, features_of, log_of, read_options, share_of, workspace_of
from caponier.app.notebook.results import EventTable, FoundInScan, LearnedBaseline, found
from caponier.app.scan.artifact import scan_artifact as _scan_artifact
from caponier.app.scan.dataset import scan_dataset as _scan_dataset
from caponier.app.workspace.workspace import read_salt
from caponier.detect.calibration.baseline import Baseline
from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.events import read_events
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.rejections import RejectedRows

Home = Workspace | str | PathLike[str] | None
Features = FeatureSpec | Mapping[str, Any] | None


def load_events(events: Any, *, workspace: Home = None) -> EventTable:
    """Read inference logs, in whatever form they are, into a table of the event schema.

    Args:
        events: A path or several, a DataFrame, an Arrow table, or rows by column name.
        workspace: Whose salt hashes the credentials in it.

    Raises:
        InputError: If a path cannot be read, or a table has no columns that say what they are.
    """
    home, rejected = workspace_of(workspace), RejectedRows()
    salt = read_salt(home) if home else b""
    said = read_options(home)
    with log_of(events) as paths:
        read = read_events(paths, rejected, salt=salt, callers=said.callers, maps=said.maps)
        batches = [one.batch for one in read]
    table = pa.Table.from_batches(batches, EVENT_SCHEMA) if batches else EVENT_SCHEMA.empty_table()
    # The files are gone from sight here, and with them which of two at one time came first.
    at = table.schema.get_field_index("seq")
    return EventTable(table.set_column(at, EVENT_SCHEMA.field(at), pa.array(range(len(table)), pa.int64())), rejected)


def build_baseline(
    events: Any,
    *,
    features: Features = None,
    alpha: float | None = None,
    training_set: Any = None,
    workspace: Home = None,
) -> LearnedBaseline:
    """Learn what benign traffic looks like, and say which false-alarm promise it can keep.

    Args:
        events: Of a time when nobody attacked, as `load_events` takes them.
        features: What the model takes, in the words of `caponier.toml`:
            `{"kind": "image", "shape": [8, 8], "minimum": 0, "maximum": 1}`.
        alpha: Share of benign callers that may be flagged; 0.01 by default.
        training_set: Rows (n, d) that the model was trained on, for the detection of membership inference; needs a
            workspace, whose salt keeps them secret.
        workspace: Its inventory says what models take; its salt keys the digests.

    Raises:
        InputError: If nothing in the events can be used.
    """
    home = workspace_of(workspace)
    with log_of(events) as paths:
        report = build.build_baseline(
            paths,
            workspace=home,
            options=read_options(home),
            spec=features_of(features),
            alpha=share_of(alpha),
            training_set=None if training_set is None else np.asarray(training_set),
        )
    return LearnedBaseline(report)


def scan_inference(
    events: Any,
    baseline: LearnedBaseline | Baseline | str | PathLike[str] | None = None,
    *,
    features: Features = None,
    workspace: Home = None,
) -> FoundInScan:
    """Look for attacks in inference events.

    Args:
        events: As `load_events` takes and returns them.
        baseline: What `build_baseline` returned, or the file of one. Without any only detectors look that need none.
        features: What the model takes, where no baseline says it.
        workspace: Its inventory, salt and alert budget. Nothing is stored in it.

    Raises:
        InputError: If nothing in the events can be used, or they and the baseline do not fit each other.
    """
    if isinstance(baseline, str | PathLike):
        baseline = Baseline.load(Path(baseline))
    if not (baseline is None or isinstance(baseline, LearnedBaseline | Baseline)):
        what = f"a {type(baseline).__name__} is no baseline"
        raise InputError(what, hint="Give what build_baseline returned, or the path of what it saved.")
    known = baseline.baseline if isinstance(baseline, LearnedBaseline) else baseline
    home = workspace_of(workspace)
    with log_of(events) as paths:
        report = _scan_inference(paths, known, workspace=home, spec=features_of(features), options=read_options(home))
    return found(report.findings, report.skipped, report.notes, report)


def scan_dataset(
    x: Any,
    y: Any = None,
    *,
    label: str | None = None,
    source: Any = None,
    row_id: Any = None,
    exclude: Sequence[str] = (),
    workspace: Home = None,
) -> FoundInScan:
    """Look for poisoned, flipped and chaff rows in a data set.

    Args:
        x: (n, …) features; or a table, a DataFrame or a path, which hold the labels, too.
        y: (n,) labels of an array.
        label: Of a table, the column that holds the labels.
        source: Who brought each row: (n,) names beside an array, a column's name of a table.
        row_id: What each row is called, likewise.
        exclude: Columns of a table that are no features.
        workspace: Whose inventory says to which system the data set belongs.

    Raises:
        InputError: If it cannot be used, or nothing says which column holds the labels.
    """
    columns = None
    if y is None:
        if not all(one is None or isinstance(one, str) for one in (source, row_id)):
            raise InputError(
                "source and row_id of a table are names of columns", hint="Arrays go with scan_dataset(x, y)."
            )
        columns = (
            Columns(label, source, row_id, exclude=tuple(exclude)) if label or source or row_id or exclude else None
        )
        source = row_id = None
    with dataset_of(x, y, source, row_id) as path:
        report = _scan_dataset(path, columns, workspace=workspace_of(workspace))
    return found(report.findings, report.skipped, report.notes, report)


def scan_artifact(*paths: str | PathLike[str], workspace: Home = None) -> FoundInScan:
    """Look for code that would run in model files, without ever loading one.

    Args:
        paths: Files and folders.
        workspace: Whose inventory and allow-list count.

    Raises:
        InputError: If there is no path, or one is missing.
    """
    if not paths:
        raise InputError("nothing was named to look into", hint="Give files or folders: scan_artifact('models/')")
    report = _scan_artifact([Path(one) for one in paths], workspace=workspace_of(workspace))
    return found(report.findings, report.skipped, report.notes, report)
