"""Take a backdoor out of a model file, into a new file, and prove what that did. Neither file is ever loaded."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from caponier.app.progress import Progress, Silent
from caponier.app.remediate.new_file import UNMEASURED, keep_record, record_of, refuse_existing
from caponier.app.remediate.new_model import PRICE, read_back, written
from caponier.app.remediate.pinned_test_set import ATTACK, FEWEST, Figures, PinnedTestSet
from caponier.app.remediate.repaired_incident import repaired_incident, require_incident
from caponier.app.scan.model import ModelReport, class_numbers, samples_of, scan_model
from caponier.detect.model import Samples
from caponier.detect.networks.network import Network
from caponier.detect.networks.trigger_synthesis import Form, Synthesised
from caponier.detect.registry import model_detectors
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind
from caponier.remediate.unlearning import Method, again, repaired
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

DEAD: Final = 0.05
"""Attack success up to which a backdoor is shut."""
MOST_SAMPLES: Final = 300
KNOWN: Final = "known_attack_success"
"""Name of the figure of a trigger that the user brought."""


@dataclass(frozen=True)
class ModelRepair:
    """What the user asks for."""

    out: Path
    """The new file; must not exist yet."""
    samples: Path
    """Clean rows to learn from."""
    test: Path | None = None
    test_sha256: str | None = None
    attack: Path | None = None
    """Rows that carry the attacker's own trigger, with their right labels."""
    target: str | None = None
    """The class that the backdoor opens; by default the one that the scan names."""
    method: Method = Method.UNLEARN
    columns: Columns | None = None
    seed: int = 0
    incident_id: str | None = None


@dataclass(frozen=True)
class ModelRemediation:
    """What was found, and what was done about it."""

    report: ModelReport
    done: Remediation | None
    """None if no class stands out: then nothing was written."""
    still: tuple[str, ...] = ()
    """What the detectors still say of the new file."""
    stage: Stage | None = None
    """Where the incident is now, if it moved on."""
    notes: tuple[str, ...] = field(default=())

    @property
    def proven(self) -> bool:
        """Whether the backdoor is shut, at a small price at most, and nothing is found in the new file any more."""
        if self.done is None or "accuracy" not in self.done.after:
            return False
        before, after = self.done.before, self.done.after
        attacks = [after[name] for name in (ATTACK, KNOWN) if name in after]
        shut = bool(attacks) and max(attacks) <= DEAD
        return shut and not self.still and after["accuracy"] >= before["accuracy"] - PRICE


def remediate_model(
    path: Path, asked: ModelRepair, *, workspace: Workspace | None = None, progress: Progress | None = None
) -> ModelRemediation:
    """Scan a model, shut the backdoor in a new file, and measure both.

    The original is never touched. Without a test set nothing is measured, and so nothing proven.

    Raises:
        InputError: If an input cannot be used, or the output exists; then nothing was written.
    """
    watch, began = progress or Silent(), perf_counter()
    _refuse_unusable(path, asked, workspace)
    known = read_dataset(asked.samples, asked.columns)
    report = scan_model(path, asked.samples, asked.columns, workspace=workspace, progress=watch)
    opened = report.opened
    if opened is None:
        raise InputError(report.skipped[0].reason, where=str(path), hint="Only a clean network can be repaired.")
    samples, network = _few(samples_of(known)), opened.model.network
    target = _target(asked.target, report, known, network.outputs)
    if target is None:
        return ModelRemediation(report, None)
    test = _Exam.read(asked, samples) if asked.test else None
    # A file that cannot be written anew is told before the work, not after it.
    written(opened, network)
    triggers = again(network, samples.x, target, picture=samples.picture, seed=asked.seed)
    before = test.measured(network, target, triggers) if test else {}
    watch.stage("Taking the backdoor out", None)
    new = repaired(
        network,
        samples.x,
        samples.labels,
        target,
        asked.method,
        picture=samples.picture,
        natural=_natural(report, target),
        seed=asked.seed,
    )
    after = test.measured(new, target, triggers) if test else {}
    data = written(opened, new)
    refuse_existing(path, asked.out)
    try:
        write_bytes(asked.out, data)
        again_report = scan_model(asked.out, asked.samples, asked.columns, workspace=workspace, progress=watch)
        read_back(again_report, new, samples.x)
        still = tuple(f"{found.detector}: {found.summary}" for found in again_report.findings)
        digests = {"kept": opened.sha256, "produced": hashlib.sha256(data).hexdigest()}
        details = _details(asked, samples, target, still, began) | {"sha256": digests}
        done = record_of(
            RemediationKind.MODEL, path, asked.out, incident_id=asked.incident_id,
            measured_on=test.digest if test else UNMEASURED, before=before, after=after, details=details,
        )  # fmt: skip
        keep_record(done, workspace)
    except BaseException:
        # A repaired file that nobody has measured or recorded must not be taken for one that was.
        asked.out.unlink(missing_ok=True)
        raise
    result = ModelRemediation(report, done, still)
    return replace(result, stage=repaired_incident(workspace, done)) if result.proven else result


@dataclass(frozen=True, eq=False)
class _Exam:
    """The pinned test set, and rows with the attacker's own trigger."""

    digest: str
    rows: Samples
    attack: Samples | None

    @classmethod
    def read(cls, asked: ModelRepair, samples: Samples) -> "_Exam":
        if asked.test is None:
            raise InputError("a test set is needed")
        pinned = PinnedTestSet.read(asked.test, asked.columns, asked.test_sha256)
        rows = samples_of(pinned.dataset)
        known = {row.tobytes() for row in samples.x + 0.0}
        apart = np.array([(row + 0.0).tobytes() not in known for row in rows.x])
        _refuse_other_width(rows, samples, asked.test)
        if apart.sum() < FEWEST:
            what = f"only {apart.sum()} of its {len(apart)} rows are other rows than the samples; {FEWEST} are needed"
            raise InputError(what, where=str(asked.test))
        attack = samples_of(read_dataset(asked.attack, asked.columns)) if asked.attack else None
        if attack is not None:
            _refuse_other_width(attack, samples, asked.attack)
        return cls(pinned.digest, Samples(rows.x[apart], rows.labels[apart], rows.shape), attack)

    def measured(self, network: Network, target: int, triggers: list[Synthesised]) -> Figures:
        """Return accuracy, and the share of rows of other classes that each kind of trigger turns."""
        figures = {"accuracy": round(float((network.answers(self.rows.x) == self.rows.labels).mean()), 6)}
        others = self.rows.x[self.rows.labels != target]
        if triggers and len(others):
            turned = [float((network.answers(one.put_on(others)) == target).mean()) for one in triggers]
            figures[ATTACK] = round(max(turned), 6)
        if self.attack is not None:
            marked = self.attack.x[self.attack.labels != target]
            figures[KNOWN] = round(float((network.answers(marked) == target).mean()), 6) if len(marked) else 0.0
        return figures


def _refuse_other_width(rows: Samples, samples: Samples, where: Path | None) -> None:
    if rows.x.shape[1] != samples.x.shape[1]:
        what = f"its rows have {rows.x.shape[1]} features, and those of the samples {samples.x.shape[1]}"
        raise InputError(what, where=str(where))


def _few(samples: Samples) -> Samples:
    """Return at most so many samples, evenly taken."""
    step = max(1, -(-len(samples.x) // MOST_SAMPLES))
    return Samples(samples.x[::step], samples.labels[::step], samples.shape)


def _target(named: str | None, report: ModelReport, samples: Dataset, classes: int) -> int | None:
    """Return the class that the backdoor opens: the one that is named, or else that of the surest finding."""
    if named is not None:
        numbers = dict(zip(samples.given, class_numbers(samples).tolist(), strict=True))
        if named not in numbers or numbers[named] >= classes:
            raise InputError(f"the samples have no class {named!r}", hint=f"They have: {', '.join(samples.classes)}")
        return int(numbers[named])
    flagged = [one for one in report.analyses.values() if one.flagged and one.target is not None]
    best = max(flagged, key=lambda one: (one.trigger is not None, one.score / one.limit), default=None)
    return None if best is None else best.target


def _natural(report: ModelReport, target: int) -> Mapping[Form, float]:
    """Return what the cheapest other class needs, as the search for triggers told."""
    search = report.analyses.get("trigger_search")
    costs: dict[str, dict[str, float | None]] = search.facts.get("costs", {}) if search else {}
    forms: tuple[Form, ...] = ("patch", "overlay")
    return {
        form: min(
            (cost for label, cost in costs.get(form, {}).items() if cost is not None and label != str(target)),
            default=float("inf"),
        )
        for form in forms
    }


def _details(asked: ModelRepair, samples: Samples, target: int, still: tuple[str, ...], began: float) -> dict[str, Any]:
    columns = asked.columns
    return {
        "method": asked.method.value,
        "target": target,
        "samples": str(asked.samples),
        "rows": len(samples.x),
        "label": columns.label if columns else None,
        "still_found": list(still),
        "undo": "the old file is kept as it was: serve it again, or name it in caponier remediate rollback",
        "detectors": sorted(model_detectors()),
        "seed": asked.seed,
        "seconds": round(perf_counter() - began, 1),
    }


def _refuse_unusable(path: Path, asked: ModelRepair, workspace: Workspace | None) -> None:
    """Tell what cannot be used before any work."""
    refuse_existing(path, asked.out)
    for option, given in (("--test-sha256", asked.test_sha256), ("--attack", asked.attack)):
        if given is not None and asked.test is None:
            raise InputError(f"{option} is of use with a test set alone", hint="Name one with --test FILE.")
    require_incident(workspace, asked.incident_id)
