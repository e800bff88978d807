"""The test set that a repair is measured on, before and after: one file, known by its digest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from caponier.detect.dataset import FoundTrigger
from caponier.errors import InputError
from caponier.remediate.measuring_command import measure
from caponier.remediate.model_registry import file_digest
from caponier.remediate.reference_model import ReferenceModel, train
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

FEWEST: Final = 20
"""Rows of a test set below which a figure says nothing."""

ATTACK: Final = "attack_success"
"""Name of the figure that says how often a trigger that was found works."""

Figures = dict[str, float]


def _without_names(columns: Columns | None) -> Columns | None:
    """Leave out source and id, which a test set need not have; features are told by name, so that neither is one."""
    return None if columns is None else replace(columns, source=None, id=None, exclude=())


@dataclass(frozen=True, eq=False)
class PinnedTestSet:
    """A test set and its digest."""

    dataset: Dataset

    @classmethod
    def read(cls, path: Path, columns: Columns | None, sha256: str | None = None) -> "PinnedTestSet":
        """Read a test set.

        Args:
            path: Of the same kind as the data set.
            columns: As of the data set.
            sha256: What its digest must be, where the user knows.

        Raises:
            InputError: If it cannot be used, or is another one.
        """
        dataset = read_dataset(path, _without_names(columns))
        if sha256 is not None and sha256.lower() != dataset.sha256:
            raise InputError(f"this is not the pinned test set: its SHA-256 is {dataset.sha256}", where=str(path))
        return cls(dataset)

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return self.dataset.sha256

    def apart_from(self, training: Dataset) -> "PinnedTestSet":
        """Return the rows that are in no training row, in the features' places there.

        Raises:
            InputError: If the two do not fit, or too few rows are left.
        """
        x = training.aligned(self.dataset)
        known = {row.tobytes() for row in training.x + 0.0}
        kept = [row for row in range(len(x)) if (x[row] + 0.0).tobytes() not in known]
        if len(kept) < FEWEST:
            raise InputError(
                f"only {len(kept)} of its {len(x)} rows are not in the training data; at least {FEWEST} are needed",
                where=str(self.dataset.path),
            )
        return PinnedTestSet(replace(self.dataset.rows(kept), x=x[kept], features=training.features))

    def accuracy(self, model: ReferenceModel) -> Figures:
        """Return the share of right answers of a reference model.

        Raises:
            InputError: If the model takes other features.
        """
        if self.dataset.x.shape[1] != len(model.mean):
            what = f"the model takes {len(model.mean)} features, the test set has {self.dataset.x.shape[1]}"
            raise InputError(what, where=str(self.dataset.path))
        return {"accuracy": model.accuracy(self.dataset.x, self.dataset.given)}

    def attack_success(self, model: ReferenceModel, trigger: FoundTrigger) -> float:
        """Return the share of rows of other labels that a model gives the trigger's label once they carry it."""
        label = model.classes[trigger.label]
        others = self.dataset.x[[name != label for name in self.dataset.given]]
        if not len(others):
            return 0.0
        return round(float(np.mean([answer == label for answer in model.answers(trigger.put_on(others))])), 6)


@dataclass(frozen=True, eq=False)
class Measured:
    """The figures of a training run, and the model if it was ours."""

    figures: Figures
    model: ReferenceModel | None = None


Trainer = Callable[[Path, Dataset], Measured]
"""Trains on a data set, of which the file is given too, and measures the model on the pinned test set."""


def trainer(
    test: PinnedTestSet, training: Dataset, command: str | None, seed: int, triggers: Sequence[FoundTrigger] = ()
) -> Trainer:
    """Return what trains and measures: the user's command, or the built-in reference model.

    The strongest of the triggers that were found is tried on the built-in model, too. It is found after the trainer is
    made, so a list is filled meanwhile.

    Raises:
        InputError: If the test set does not fit the training data.
    """
    if command is not None:
        told = {"test": str(test.dataset.path)}

        def run(path: Path, rows: Dataset) -> Measured:
            figures = measure(command, {"dataset": str(path), **told})
            # The command might have written to it: then both figures are worth nothing.
            if file_digest(test.dataset.path) != test.digest:
                raise InputError("the test set has changed while it was measured on", where=str(test.dataset.path))
            return Measured(figures)

        return run
    apart = test.apart_from(training)

    def teach(path: Path, rows: Dataset) -> Measured:
        model = train(rows.x, rows.y, rows.classes, seed)
        figures = apart.accuracy(model)
        if triggers:
            figures[ATTACK] = max(apart.attack_success(model, trigger) for trigger in triggers)
        return Measured(figures, model)

    return teach
