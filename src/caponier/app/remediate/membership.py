"""Train a model anew so that it gives away less of who was in its training data, with or without some rows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.app.progress import Progress, Silent
from caponier.app.remediate.pinned_test_set import FEWEST, Figures
from caponier.app.remediate.retrained_model import Material, RetrainedModel, Retraining, retrain
from caponier.detect.networks.network import Network
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from caponier.records.remediation import RemediationKind
from caponier.remediate.retraining import attack_auc, chance, trained_anew
from caponier.telemetry.labelled_data.datasets import read_bytes

AUC: Final = "attack_auc"
"""Name of the figure that says how well an attacker tells members from others; 0.5 is guessing."""
LEAK: Final = 0.55
"""From which on a model is said to give its rows away."""
ERRORS: Final = 3.0
"""Standard errors that it must be off from guessing besides."""


@dataclass(frozen=True)
class MembershipRepair(Retraining):
    """What the user asks for."""

    without: Path | None = field(default=None, kw_only=True)
    """Ids of rows that are to be forgotten, one a line; None to restrain the model for all rows."""


def remediate_membership(
    path: Path, asked: MembershipRepair, *, workspace: Workspace | None = None, progress: Progress | None = None
) -> RetrainedModel:
    """Train a model anew, into a new file, and let both be asked by an attacker who looks for members.

    Members are the rows that are to be forgotten, or else all rows that the model learned from; others are the test
    rows. Rows equal to one that is to be forgotten are left out, too.

    Raises:
        InputError: If an input cannot be used, or the output exists; then nothing was written.
    """
    material = Material.read(path, asked, workspace)
    left_out = _left_out(asked.without, material)
    members = left_out if left_out.any() else ~left_out
    rows, test = material.rows, material.test
    if (kept := int((~left_out).sum())) < FEWEST:
        raise InputError(f"only {kept} rows would be left to learn from", where=str(asked.rows))
    if members.sum() < FEWEST:
        what = f"{members.sum()} rows to be forgotten are too few to measure it; at least {FEWEST} are needed"
        raise InputError(what, where=str(asked.without), hint="Without --without all rows are measured.")
    details: dict[str, Any] = {"members": int(members.sum()), "others": len(test.x), "left_out": int(left_out.sum())}

    def teach(network: Network) -> Network:
        new, decay = trained_anew(network, rows.x[~left_out], rows.labels[~left_out], asked.seed)
        details["decay"] = decay
        return new

    def measure(network: Network) -> Figures:
        auc = attack_auc(network, rows.x[members], rows.labels[members], test.x, test.labels)
        return {"accuracy": material.accuracy(network), AUC: auc}

    error = chance(int(members.sum()), len(test.x))
    details["standard_error"] = round(error, 4)
    return retrain(
        material, asked, RemediationKind.MEMBERSHIP, teach, measure,
        lambda before, after: _against(before[AUC], after[AUC], error), details,
        workspace=workspace, progress=progress or Silent(),
    )  # fmt: skip


def _against(before: float, after: float, error: float) -> list[str]:
    if before < max(LEAK, 0.5 + ERRORS * error):
        return [f"the old model hardly gave its rows away: the attack reaches {before:.3f}, and guessing 0.5"]
    if after - 0.5 > max((before - 0.5) / 2, ERRORS * error):
        return [f"this did not help enough: the attack reaches {after:.3f}; it was {before:.3f}, and guessing is 0.5"]
    return []


def _left_out(without: Path | None, material: Material) -> NDArray[np.bool_]:
    dataset = material.dataset
    if without is None:
        return np.zeros(len(dataset), bool)
    try:
        asked = {line.strip() for line in read_bytes(without).decode("utf-8-sig").splitlines() if line.strip()}
    except UnicodeDecodeError as wrong:
        raise InputError(f"this is not text: {wrong}", where=str(without)) from wrong
    if not asked:
        hint = "Leave --without away to keep all rows."
        raise InputError("no id is in it, so nothing is to be forgotten", where=str(without), hint=hint)
    ids = [str(one) for one in dataset.ids]
    if unknown := sorted(asked - set(ids)):
        hint = f"Rows are known by id, such as {ids[0]!r}."
        raise InputError(f"there is no row {unknown[0]!r}", where=str(without), hint=hint)
    named = np.array([one in asked for one in ids])
    same = {row.tobytes() for row in dataset.x[named] + 0.0}
    return np.array([row.tobytes() in same for row in dataset.x + 0.0])
