"""Repair what the demo's attacker broke: the batch, and take out of service what learned from it."""

import numpy as np

from caponier.app.remediate.dataset import DatasetRepair, remediate_dataset
from caponier.app.remediate.rollback import Measurement, rollback_model
from caponier.demo.batch import Batch
from caponier.demo.folder import DemoFolder
from caponier.demo.models import GOOD, file_of
from caponier.demo.outcome import Repaired
from caponier.records.incident import Incident
from caponier.remediate.dataset_file import Repair
from caponier.remediate.reference_model import ReferenceModel, load_reference_model
from caponier.telemetry.labelled_data.dataset import Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset


def repair(folder: DemoFolder, model: str, batch: Batch, incident: Incident | None, seed: int) -> Repaired | None:
    """Repair batch and model, each measured before and after on the same images.

    Args:
        folder: The demo's.
        model: Its name in the registry.
        batch: What the attacker did, and so what must not work any more.
        incident: What the repairs belong to.
        seed: Fixes the weights of the models that are measured.

    Returns:
        None if no row was flagged: then there is nothing to repair.
    """
    about = incident.incident_id if incident else None
    asked = DatasetRepair(
        out=folder.batch_repaired,
        quarantine=folder.batch_aside,
        repair=Repair.RELABEL,
        test=folder.test_set,
        seed=seed,
        incident_id=about,
    )
    rows = remediate_dataset(folder.batch, asked, workspace=folder.workspace)
    if rows.done is None or rows.before is None or rows.after is None:
        return None
    measured = Measurement(test=folder.test_set)
    back = rollback_model(folder.models, model, measurement=measured, workspace=folder.workspace, incident_id=about)
    kept, test = len(read_dataset(folder.batch_repaired)), read_dataset(folder.test_set)
    good = folder.models / file_of(model, GOOD)
    learned = (load_reference_model(good.read_bytes(), str(good)), rows.before.model, rows.after.model)
    opened = [attack_success(one, batch, test) for one in learned if one is not None]
    return Repaired(
        clean=back.done.after["accuracy"],
        before=rows.done.before["accuracy"],
        after=rows.done.after["accuracy"],
        attack_clean=opened[0],
        attack_before=opened[1],
        attack_after=opened[2],
        relabelled=len(rows.report.suspicious) - (rows.report.rows - kept),
        dropped=rows.report.rows - kept,
        model=model,
        left=back.leaves,
        took=back.takes,
        left_accuracy=back.done.before["accuracy"],
        took_accuracy=back.done.after["accuracy"],
        test_rows=len(test),
    )


def attack_success(model: ReferenceModel, batch: Batch, test: Dataset) -> float:
    """Return the share of images of other classes that a model gives the attacker's label once they carry the trigger.

    It is the trigger that was put there, not the one that was found.
    """
    target = str(batch.target)
    others = test.x[np.array(test.given) != target]
    answers = model.answers(batch.trigger(others.astype(np.float32)).astype(np.float64))
    return round(float(np.mean([answer == target for answer in answers])), 6)
