"""Flipped labels: how many are found, what else is flagged, and what a repair does to a model trained on the rows.

The seeds were never used while the detector was made. The victim is trained on photos of the images and tested on 500
images that are in no training set; the built-in reference model is measured beside it, through the same use-case as
`caponier remediate dataset`.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.remediate.dataset import DatasetRepair, remediate_dataset
from caponier.app.scan.dataset import scan_dataset
from caponier.emulate.poison import Poisoned, as_npz, flip, others
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool, load_digits_split, train_victim
from caponier.remediate.dataset_file import Repair
from caponier.telemetry.labelled_data.datasets import read_dataset

SEEDS = (201, 202, 203)
SHARES = (0.05, 0.10, 0.20)
KINDS = ("uniform_flips", "pair_flips")
SOURCES, BAD_SHARE = 8, 0.4


def run(quick: bool) -> Scorecard:
    """Poison, find, repair and retrain; quick: one seed."""
    seeds = SEEDS[:1] if quick else SEEDS
    rows = [row for seed in seeds for row in _one(seed)]
    flips = [row for row in rows if row["kind"] in KINDS and row["share"] >= 0.10]
    harmless = [row for row in rows if row["kind"] in harmless_sets() or row["kind"] == "clean"]
    one_source = [row for row in rows if row["kind"] == "one_bad_source"]
    figures: dict[str, Any] = {
        "flips_recall_worst": min(row["recall"] for row in flips),
        "flips_precision_worst": min(row["precision"] for row in flips),
        "flips_poisons_that_hurt": sum(row["before"] < row["clean"] for row in flips),
        "flips_of": len(flips),
        "accuracy_change_after_drop_worst": min(row["dropped"] - row["before"] for row in flips),
        "accuracy_change_after_relabel_worst": min(row["relabelled"] - row["before"] for row in flips),
        "reference_model_change_worst": min(row["reference_after"] - row["reference_before"] for row in flips),
        "one_source_recall_worst": min(row["recall"] for row in one_source),
        "one_source_precision_worst": min(row["precision"] for row in one_source),
        "one_source_named": sum(row["named"] for row in one_source) / len(one_source),
        "harmless_flagged_share_most": max(row["flagged"] for row in harmless),
        "harmless_sets_with_findings": sum(row["findings"] > 0 for row in harmless),
        "harmless_sets": len(harmless),
    }
    goals = (
        Goal("flips_recall_worst", 0.85, at_least=True),
        Goal("flips_precision_worst", 0.90, at_least=True),
        Goal("accuracy_change_after_drop_worst", 0.0, at_least=True),
        Goal("accuracy_change_after_relabel_worst", 0.0, at_least=True),
        Goal("one_source_recall_worst", 0.85, at_least=True),
        Goal("one_source_precision_worst", 0.90, at_least=True),
        Goal("one_source_named", 1.0, at_least=True),
        Goal("harmless_flagged_share_most", 0.02, at_least=False),
        Goal("harmless_sets_with_findings", 0, at_least=False),
    )
    about = (
        "Images of digits from scikit-learn: 1,100 to train on and 500 to test on. Labels of the training images are "
        "flipped: 10 or 20 % of all, or 40 % of those that *one bad source* of eight brought. A small network (MLP) is "
        f"trained on them before and after the repair. Every figure is the worst of all runs, with {len(seeds)} seeds."
    )
    return Scorecard("remediation", about, figures, goals, seeds, _table(rows))


def _one(seed: int) -> list[dict[str, Any]]:
    split = load_digits_split(seed)
    pool = Pool(*(np.concatenate([getattr(split.train, part), getattr(split.calibration, part)]) for part in _PARTS))
    clean = _accuracy(pool, split, seed)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "test.npz").write_bytes(as_npz(split.test))
        for kind in KINDS:
            for share in SHARES:
                say(f"seed {seed}: {kind} {share:.0%}")
                poisoned = poisons()[kind].apply(pool, share, seed)
                rows.append({"kind": kind, "share": share, "clean": clean, **_repaired(poisoned, split, seed, work)})
        rows.append({"kind": "one_bad_source", "share": BAD_SHARE / SOURCES, **_one_bad_source(pool, seed, work)})
        for name, harmless in {"clean": None, **harmless_sets()}.items():
            rows.append(
                {"kind": name, "share": 0.0, **_harmless(harmless.apply(pool, seed) if harmless else pool, work)}
            )
    return rows


_PARTS = ("images", "labels")


def _accuracy(pool: Pool, split: DigitsSplit, seed: int) -> float:
    victim = train_victim(pool, split.test, seed)
    return float((victim.answers(split.test.images) == split.test.labels).mean())


def _repaired(poisoned: Poisoned, split: DigitsSplit, seed: int, work: Path) -> dict[str, Any]:
    """Repair in both ways through the use-case, and train the victim on what was written."""
    path = work / "train.npz"
    path.write_bytes(as_npz(poisoned.pool))
    row: dict[str, Any] = {"before": _accuracy(poisoned.pool, split, seed)}
    for repair, name in ((Repair.DROP, "dropped"), (Repair.RELABEL, "relabelled")):
        out = work / f"{name}.npz"
        result = remediate_dataset(path, DatasetRepair(out, repair=repair, test=work / "test.npz", seed=seed))
        assert result.done is not None, "a poison of this size is never missed whole"
        written = read_dataset(out)
        labels = np.array([int(label) for label in written.given])
        row[name] = _accuracy(Pool(written.x.astype(np.float32), labels), split, seed)
        if repair is Repair.DROP:
            row["reference_before"] = result.done.before["accuracy"]
            row["reference_after"] = result.done.after["accuracy"]
            row |= _counts([int(found.id) for found in result.report.suspicious], poisoned)
        out.unlink()
        (work / f"{name}.quarantine.npz").unlink()
    return row


def _one_bad_source(pool: Pool, seed: int, work: Path) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    sources = rng.integers(0, SOURCES, len(pool))
    own = np.flatnonzero(sources == 3)
    rows = rng.permutation(own)[: round(BAD_SHARE * len(own))]
    poisoned = flip(pool, rows, others(pool.labels[rows], rng))
    path = work / "sources.npz"
    path.write_bytes(as_npz(poisoned.pool, sources))
    report = scan_dataset(path)
    named = [found.subject.id for found in report.findings if found.subject.kind == "source"]
    return {"named": named == ["3"], **_counts([int(found.id) for found in report.suspicious], poisoned)}


def _harmless(pool: Pool, work: Path) -> dict[str, Any]:
    path = work / "harmless.npz"
    path.write_bytes(as_npz(pool))
    report = scan_dataset(path)
    return {"flagged": len(report.suspicious) / len(pool), "findings": len(report.findings)}


def _counts(flagged: list[int], poisoned: Poisoned) -> dict[str, Any]:
    hits = int(poisoned.changed[flagged].sum())
    return {
        "recall": hits / int(poisoned.changed.sum()),
        "precision": hits / max(1, len(flagged)),
        "flagged": len(flagged) / len(poisoned.pool),
    }


def _table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row a case: the worst seed for recall, precision and what the repair gained, else means."""
    table = []
    for kind, share in dict.fromkeys((row["kind"], row["share"]) for row in rows):
        mine = [row for row in rows if (row["kind"], row["share"]) == (kind, share)]
        line: dict[str, Any] = {"data set": kind, "flipped": f"{share:.0%}"}
        for name in ("recall", "precision"):
            line[f"{name}_worst"] = round(min(row[name] for row in mine), 3) if name in mine[0] else None
        for name in ("clean", "before", "dropped", "relabelled"):
            line[f"accuracy_{name}"] = (
                round(float(np.mean([row[name] for row in mine])), 3) if name in mine[0] else None
            )
        line["flagged_most"] = round(max(row["flagged"] for row in mine), 4)
        table.append(line)
    return table
