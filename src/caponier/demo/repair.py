"""Repair what the demo's attacker broke: relabel the batch, and take out of service what learned from it."""

from caponier.app.remediate.dataset import DatasetRepair, remediate_dataset
from caponier.app.remediate.rollback import Measurement, rollback_model
from caponier.demo.folder import DemoFolder
from caponier.demo.outcome import Repaired
from caponier.records.incident import Incident
from caponier.remediate.dataset_file import Repair
from caponier.telemetry.labelled_data.datasets import read_dataset


def repair(folder: DemoFolder, model: str, incident: Incident | None, seed: int) -> Repaired | None:
    """Repair batch and model, each measured before and after on the same images.

    Args:
        folder: The demo's.
        model: Its name in the registry.
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
    if rows.done is None:
        return None
    measured = Measurement(test=folder.test_set)
    back = rollback_model(folder.models, model, measurement=measured, workspace=folder.workspace, incident_id=about)
    kept = len(read_dataset(folder.batch_repaired))
    return Repaired(
        clean=back.done.after["accuracy"],
        before=rows.done.before["accuracy"],
        after=rows.done.after["accuracy"],
        relabelled=len(rows.report.suspicious) - (rows.report.rows - kept),
        dropped=rows.report.rows - kept,
        model=model,
        left=back.leaves,
        took=back.takes,
        left_accuracy=back.done.before["accuracy"],
        took_accuracy=back.done.after["accuracy"],
        test_rows=len(read_dataset(folder.test_set)),
    )
