"""What repairs have in common that teach a whole network: read a clean file, teach, measure both, write, record."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caponier.app.progress import Progress
from caponier.app.remediate.new_file import keep_record, record_of, refuse_existing
from caponier.app.remediate.new_model import PRICE, read_back, written
from caponier.app.remediate.pinned_test_set import FEWEST, Figures, PinnedTestSet
from caponier.app.remediate.repaired_incident import repaired_incident, require_incident
from caponier.app.scan.model import class_numbers, numbers_of, open_clean, samples_of
from caponier.detect.model import Samples
from caponier.detect.networks.network import Network
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

MOST_NAMED = 5


@dataclass(frozen=True)
class Retraining:
    """What the user asks for."""

    out: Path
    """The new file; must not exist yet."""
    rows: Path
    """What the model learned from, or its like."""
    test: Path
    """Rows that the model was not trained on."""
    test_sha256: str | None = None
    columns: Columns | None = None
    seed: int = 0
    incident_id: str | None = None


@dataclass(frozen=True)
class RetrainedModel:
    """What was done."""

    done: Remediation
    unproven: tuple[str, ...]
    """What speaks against it; nothing if the repair is proven."""
    stage: Stage | None = None
    """Where the incident is now, if it moved on."""

    @property
    def proven(self) -> bool:
        """Whether the attack works less, at a small price at most."""
        return not self.unproven


@dataclass(frozen=True, eq=False)
class Material:
    """A network and the rows that it is taught and measured with."""

    path: Path
    network: Network
    dataset: Dataset
    rows: Samples
    test: Samples
    test_digest: str
    write: Callable[[Network], bytes]
    sha256: str

    @classmethod
    def read(cls, path: Path, asked: Retraining, workspace: Workspace | None) -> "Material":
        """Read everything, and refuse what cannot be used, before any work.

        Raises:
            InputError: If the file is not clean or no network that is computed here, rows do not fit, or the output
                exists.
        """
        refuse_existing(path, asked.out)
        require_incident(workspace, asked.incident_id)
        dataset = read_dataset(asked.rows, asked.columns)
        # What is wrong with the rows is not to be said of the model.
        rows = samples_of(dataset)
        pinned = PinnedTestSet.read(asked.test, asked.columns, asked.test_sha256)
        report = open_clean(path, dataset, workspace=workspace)
        opened = report.opened
        if opened is None:
            raise InputError(report.skipped[0].reason, where=str(path), hint="Only a clean network can be taught.")
        network = opened.model.network
        apart = pinned.apart_from(dataset)
        known = dict(zip(dataset.given, class_numbers(dataset).tolist(), strict=True))
        strange = sorted(set(apart.dataset.given) - set(known))
        if strange:
            raise InputError(f"the rows have no class {strange[0]!r}", where=str(asked.test))
        labels = np.array([known[name] for name in apart.dataset.given], np.int64)
        # A file that cannot be written anew is told before the work, not after it.
        written(opened, network)
        return cls(
            path=path,
            network=network,
            dataset=dataset,
            rows=rows,
            test=Samples(numbers_of(apart.dataset), labels, rows.shape),
            test_digest=pinned.digest,
            write=lambda new: written(opened, new),
            sha256=opened.sha256,
        )

    def unmeasured(self) -> list[str]:
        """Say which classes the network knows and no test row has: whether they still are known, nobody can tell."""
        missing = sorted(set(range(self.network.outputs)) - set(self.test.labels.tolist()))
        named = ", ".join(str(one) for one in missing[:MOST_NAMED]) + (", ..." if len(missing) > MOST_NAMED else "")
        total = f"{len(missing)} of the {self.network.outputs} classes"
        return [f"no test row has {total} that the model knows, so they are not measured: {named}"] if missing else []

    def accuracy(self, network: Network) -> float:
        """Return the share of right answers on the test rows."""
        return share(network.answers(self.test.x) == self.test.labels)


def share(right: NDArray[np.bool_]) -> float:
    """Return a share as it is recorded.

    Raises:
        InputError: If there are too few for one.
    """
    if len(right) < FEWEST:
        raise InputError(f"{len(right)} rows are too few to say anything; at least {FEWEST} are needed")
    return round(float(right.mean()), 6)


def retrain(
    material: Material,
    asked: Retraining,
    kind: RemediationKind,
    teach: Callable[[Network], Network],
    measure: Callable[[Network], Figures],
    speaks_against: Callable[[Figures, Figures], list[str]],
    details: dict[str, Any],
    *,
    workspace: Workspace | None,
    progress: Progress,
) -> RetrainedModel:
    """Teach, measure both, write the new file, read it back and record.

    Raises:
        InputError: If the output exists by now, or is not what was measured; then there is none.
    """
    began = process_time()
    before = measure(material.network)
    progress.stage("Teaching", None)
    new = _finite(teach, material)
    after, data = measure(new), material.write(new)
    refuse_existing(material.path, asked.out)
    try:
        write_bytes(asked.out, data)
        read_back(open_clean(asked.out, material.dataset, workspace=workspace), new, material.test.x)
        details |= {
            "rows": str(asked.rows),
            "label": asked.columns.label if asked.columns else None,
            "seed": asked.seed,
            "seconds": round(process_time() - began, 1),
            "sha256": {"kept": material.sha256, "produced": hashlib.sha256(data).hexdigest()},
            "undo": "the old file is kept as it was: serve it again, or name it in caponier remediate rollback",
        }
        done = record_of(
            kind, material.path, asked.out, incident_id=asked.incident_id, measured_on=material.test_digest,
            before=before, after=after, details=details,
        )  # fmt: skip
        keep_record(done, workspace)
    except BaseException:
        # A file that nobody has recorded must not be taken for one that was.
        asked.out.unlink(missing_ok=True)
        raise
    against = [*speaks_against(before, after), *material.unmeasured()]
    if (lost := before["accuracy"] - after["accuracy"]) > PRICE:
        against.append(f"the accuracy fell by {100 * lost:.1f} points")
    return RetrainedModel(done, tuple(against), None if against else repaired_incident(workspace, done))


def _finite(teach: Callable[[Network], Network], material: Material) -> Network:
    with np.errstate(over="ignore", invalid="ignore"):
        new = teach(material.network)
    if not all(np.isfinite(tensor).all() for layer in new.layers for tensor in layer.tensors.values()):
        what = (
            f"teaching led to no finite numbers; its values lie in {material.rows.x.min()} to {material.rows.x.max()}"
        )
        raise InputError(what, where=str(material.dataset.path), hint="Scale the rows as the model takes them.")
    return new
