"""The labelled data set in memory, and what every reader of one checks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.telemetry.labelled_data.free_text import known_words
from caponier.telemetry.rejections import Rejection

VALUE_LIMIT: Final = 2**28
"""Encoded features, over all rows, that are held in memory: 2 GiB as float64."""
NAME_LIMIT: Final = 1_024
"""Characters of a label, id or source."""
LARGEST, SMALLEST = 1e30, 1e-60
"""Magnitudes that features keep: what lies beyond says no more, and its squares, sums and shares would have no end."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled data set in memory: n accepted rows."""

    path: Path
    sha256: str
    """Of the file, as it was read."""
    kind: str
    """`npz`, `parquet`, `jsonl` or `csv`: in which format it is written again."""
    x: NDArray[np.float64]
    """(n, d) finite features: pixels, numbers, categories as 0 and 1."""
    y: NDArray[np.int64]
    """(n,) position of the given label in `classes`."""
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    sources: tuple[str, ...] | None
    content: Arrays | pa.Table
    """The accepted rows as they came: arrays with n rows each, or a table."""
    features: tuple[str, ...] = ()
    """Name of each column of `x`, of a table; an archive's are known by their place."""
    label: str = "y"
    """Name of the array or column that holds the labels."""
    label_values: tuple[Any, ...] = ()
    """The classes as the file writes them, in the order of `classes`."""
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What was left out of the features, and why."""
    delimiter: str = ","
    """Between the cells of a CSV."""
    shape: tuple[int, ...] = ()
    """Of one row of an archive, such as (28, 28); a table's rows have none."""

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, kept: Sequence[int] | NDArray[np.int64], y: NDArray[np.int64] | None = None) -> Self:
        """Return some of the rows, perhaps with other labels (n,); their content is left behind."""
        chosen = np.asarray(kept, np.int64)
        return replace(
            self,
            x=self.x[chosen],
            y=(self.y if y is None else y)[chosen],
            ids=tuple(self.ids[row] for row in chosen),
            sources=None if self.sources is None else tuple(self.sources[row] for row in chosen),
            content={},
        )

    def aligned(self, other: "Dataset") -> NDArray[np.float64]:
        """Return another data set's features (m, d) in the places that they have here; what it lacks is 0.

        Raises:
            InputError: If the two do not describe the same things.
        """
        if not self.features and not other.features and self.x.shape[1] == other.x.shape[1]:
            return other.x
        known = known_words(self.features, other.content)
        place = {name: at for at, name in enumerate(other.features)}
        shared = [name for name in self.features if name in place or name in known]
        if 2 * len(shared) <= len(self.features):
            raise InputError(f"it does not have the features of {self.path.name}", where=str(other.path))
        x = np.zeros((len(other), len(self.features)))
        for at, name in enumerate(self.features):
            if name in known:
                x[:, at] = known[name]
            elif name in place:
                x[:, at] = other.x[:, place[name]]
        return x

    @property
    def given(self) -> list[str]:
        """The given label of every row."""
        return [self.classes[label] for label in self.y]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold what; an `.npz` has fixed names."""

    label: str | None = None
    source: str | None = None
    id: str | None = None
    features: tuple[str, ...] = ()
    """Columns that are features; by default all others."""
    exclude: tuple[str, ...] = ()
    """Columns that are none."""


def encode_labels(labels: Sequence[Any]) -> tuple[NDArray[np.int64], tuple[str, ...], tuple[Any, ...]]:
    """Number the labels: (n,) positions, the classes as text in order, and the same as the file writes them."""
    written = {str(label): label for label in labels}
    classes = tuple(sorted(written, key=lambda name: (number_of(name) is None, number_of(name) or 0.0, name)))
    position = {name: number for number, name in enumerate(classes)}
    y = np.array([position[str(label)] for label in labels], np.int64)
    return y, classes, tuple(written[name] for name in classes)


def check_size(path: Path, rows: int, width: int) -> None:
    """Refuse more features than fit.

    Raises:
        InputError: If there are too many.
    """
    if rows * width > VALUE_LIMIT:
        raise InputError(
            f"{rows:,} rows of {width:,} features are more than the {VALUE_LIMIT:,} values that are held at once",
            where=str(path),
            hint="Split the data set, or give embeddings or smaller images.",
        )


def in_range(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return finite features (n, d) as numbers that can be added, squared and divided by each other."""
    size = np.abs(x)
    beyond, none = size > LARGEST, (size < SMALLEST) & (size > 0)
    if not beyond.any() and not none.any():
        return x
    return np.where(none, 0.0, np.clip(x, -LARGEST, LARGEST))


def check_ids(ids: Sequence[str]) -> dict[int, str]:
    """Return the rows whose id is unusable, with the reason; of a repeated id the first row keeps it."""
    faults, seen = {}, set()
    for row, name in enumerate(ids):
        if not name or len(name) > NAME_LIMIT:
            faults[row] = "no id" if not name else f"id longer than {NAME_LIMIT}"
        elif name in seen:
            faults[row] = f"another row has the same id: {name[:40]!r}"
        seen.add(name)
    return faults


def number_of(name: str) -> float | None:
    """Return the number that a label writes; None if it is a word."""
    try:
        number = float(name)
    except ValueError:
        return None
    # The word "nan" is no number to sort by: it is neither before nor behind any.
    return None if math.isnan(number) else number
