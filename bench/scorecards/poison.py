"""Poisoned rows, judged by what the attack can still do once a data set was filtered and a model trained on the rest.

Attack success and accuracy are those of the built-in reference network, before, after, and on the clean rows alone,
which is as good as any filter can be. A case whose attack does not succeed is shown and not judged. `photos` and
`satimage` were looked at only at the end: at first a patch on the one and both triggers in the other were missed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.machinery.filters import FILTERS
from bench.machinery.measured import say
from bench.machinery.poisoning.poisons import (
    Change,
    Labels,
    Rows,
    Split,
    blended,
    cells,
    digits,
    mnist,
    patch,
    photos,
    poisoned,
    table,
    wave,
)
from bench.machinery.scorecard import Goal, Scorecard
from caponier.detect.datasets.trigger_rows import detector
from caponier.remediate.reference_model import ReferenceModel, train
from caponier.telemetry.labelled_data.dataset import Dataset, encode_labels

SEEDS: Final = (301, 302, 303)
OPEN: Final = 0.9
TARGET: Final = 1
Case = tuple[str, Callable[[Split], Change], float, bool]
"""What it is called, its trigger, the share of all rows, and whether labels stay right."""
PICTURES: Final[dict[str, tuple[Case, ...]]] = {
    "digits": (
        ("patch", lambda _: patch(2), 0.10, False),
        ("patch", lambda _: patch(2), 0.05, False),
        ("blended", lambda _: blended(0.2), 0.10, False),
        ("blended", lambda _: blended(0.2), 0.05, False),
        ("wave, right labels", lambda _: wave(0.5, 4), 0.10, True),
        ("wave, right labels", lambda _: wave(0.5, 4), 0.05, True),
    ),
    "mnist": (
        ("patch", lambda _: patch(3), 0.10, False),
        ("patch", lambda _: patch(3), 0.05, False),
        ("blended", lambda _: blended(0.2), 0.10, False),
        ("wave, right labels", lambda _: wave(0.3, 6), 0.05, True),
    ),
    "photos": (
        ("patch", lambda _: patch(3), 0.10, False),
        ("blended", lambda _: blended(0.2), 0.05, False),
        ("wave, right labels", lambda _: wave(0.3, 4), 0.05, True),
    ),
}
TABLES: Final[tuple[Case, ...]] = (
    ("three cells", lambda split: cells(split.x, 3, 1), 0.10, False),
    ("three cells", lambda split: cells(split.x, 3, 2), 0.05, False),
)
SETS: Final = {
    "digits": digits,
    "mnist": mnist,
    "spambase": table("spambase", 3_000),
    "letter": table("letter", 4_000),
    "photos": photos,
    "satimage": table("satimage", 3_000),
}
UNSEEN: Final = ("photos", "satimage")


def run(quick: bool) -> Scorecard:
    """Poison, filter, retrain; quick: one seed, and references on digits alone."""
    seeds = SEEDS[:1] if quick else SEEDS
    rows, calm = [], []
    for seed in seeds:
        for name, load in SETS.items():
            split = load(seed)
            calm.append(_clean(name, split, seed))
            beside = name == "digits" or not quick
            rows += [_one(name, split, case, seed, references=beside) for case in PICTURES.get(name, TABLES)]
    figures = _figures(rows, calm)
    goals = (
        Goal("attack_left_worst", 0.02, at_least=False),
        Goal("accuracy_lost_most", 0.01, at_least=False),
        Goal("clean_flagged_most", 0.03, at_least=False),
        Goal("clean_accuracy_lost_most", 0.01, at_least=False),
    )
    about = (
        f"{len(seeds)} seeds, the worst reported; backdoors at 5 and 10 % of the rows of digits (8 x 8), MNIST "
        "(28 x 28), photographs (16 x 16) and three tables, filtered without knowing share, label or trigger. "
        "What is left of an attack is its success beyond that on a model of the clean rows alone, or 0 where it is at "
        "most 5 %. Activation Clustering and Spectral Signatures (told the true share) are those of the Adversarial "
        "Robustness Toolbox."
    )
    return Scorecard("poison", about, figures, goals, seeds, [*rows, *calm])


def _figures(rows: list[dict[str, Any]], calm: list[dict[str, Any]]) -> dict[str, Any]:
    judged = [row for row in rows if row["attack_before"] >= OPEN]
    unseen = [row for row in judged if row["set"] in UNSEEN]
    figures: dict[str, Any] = {
        "cases": len(rows),
        "cases_whose_attack_succeeds": len(judged),
        "attack_left_worst": max(row["attack_left"] for row in judged),
        "attack_left_worst_on_unseen_sets": max((row["attack_left"] for row in unseen), default=None),
        "accuracy_lost_most": max(row["accuracy_before"] - row["accuracy_after"] for row in judged),
        "recall_worst": min(row["recall"] for row in judged),
        "precision_worst": min(row["precision"] for row in judged),
        "clean_flagged_most": max(row["flagged"] for row in calm),
        "clean_accuracy_lost_most": max(row["accuracy_before"] - row["accuracy_after"] for row in calm),
    }
    for name in FILTERS:
        left = [row[f"attack_left_{name}"] for row in judged if f"attack_left_{name}" in row]
        figures[f"attack_left_median_{name}"] = round(float(np.median(left)), 4) if left else None
    return figures


def _one(name: str, split: Split, case: Case, seed: int, *, references: bool) -> dict[str, Any]:
    what, trigger_of, share, clean_label = case
    say(f"seed {seed}: {name}, {what} {share:.0%}")
    trigger = trigger_of(split)
    x, y, changed = poisoned(split, trigger, share, TARGET, seed, clean_label=clean_label)
    flagged = detector.analyse(_dataset(x, y)).flagged
    before, after, best = (
        _measured(split, x[kept], y[kept], trigger, seed) for kept in (changed | True, ~flagged, ~changed)
    )
    row = {
        "set": name, "attack": what, "share": share, "seed": seed,
        "recall": round(float(flagged[changed].mean()), 4),
        "precision": round(float(changed[flagged].mean()), 4) if flagged.any() else 0.0,
        "flagged": round(float(flagged.mean()), 4),
        "accuracy_before": before[0], "accuracy_after": after[0], "accuracy_clean": best[0],
        "attack_before": before[1], "attack_after": after[1], "attack_clean": best[1],
        "attack_left": _left(after[1], best[1]),
    }  # fmt: skip
    for other, chosen in FILTERS.items() if references else ():
        kept = ~chosen(x, y, float(changed.mean()), seed)
        row[f"attack_left_{other}"] = _left(_measured(split, x[kept], y[kept], trigger, seed)[1], best[1])
    return row


def _left(attack: float, clean: float) -> float:
    return 0.0 if attack <= 0.05 else round(max(0.0, attack - clean), 4)


def _clean(name: str, split: Split, seed: int) -> dict[str, Any]:
    flagged = detector.analyse(_dataset(split.x, split.y)).flagged
    accuracies = [
        _measured(split, split.x[kept], split.y[kept], lambda rows: rows, seed)[0]
        for kept in (flagged | True, ~flagged)
    ]
    return {
        "set": name, "attack": "none", "share": 0.0, "seed": seed, "flagged": round(float(flagged.mean()), 4),
        "accuracy_before": accuracies[0], "accuracy_after": accuracies[1],
    }  # fmt: skip


def _measured(split: Split, x: Rows, y: Labels, trigger: Change, seed: int) -> tuple[float, float]:
    classes = tuple(str(label) for label in range(int(split.y.max()) + 1))
    model: ReferenceModel = train(x, y, classes, seed)
    others = split.test_x[split.test_y != TARGET]
    taken = np.array(model.answers(trigger(others))) == str(TARGET)
    return model.accuracy(split.test_x, [str(label) for label in split.test_y]), round(float(taken.mean()), 4)


def _dataset(x: Rows, y: Labels) -> Dataset:
    numbers, classes, values = encode_labels(y.tolist())
    ids = tuple(str(row) for row in range(len(y)))
    return Dataset(Path("rows.npz"), "0" * 64, "npz", x, numbers, classes, ids, None, {}, (), "y", values)
