"""How speed and memory grow: the similarity pass by itself, and whole scans with every detector that needs no model.

Processor seconds of the whole process, start-up included, each scan beside one warmed float32 product in the same run:
what a ratio says holds on another machine, and on a busy one.
"""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.machinery.curves import Panel, picture
from bench.machinery.long_log import MODEL, LongLog, pictures, shot
from bench.machinery.measured import caponier, cpu_seconds, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.detect.batch import EventBatch
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.similarity import nearest_query

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "growth.svg"
RING, ROWS = nearest_query.RING, 8_192
SHAPES = {16: "4,4", 64: "8,8", 196: "14,14", 500: "500", 784: "28,28"}
"""Of what a model takes, by its number of features; 28 x 28 is pooled to 196."""
BASELINE = LongLog(40_000, each=250, seed=1)
"""160 users of 200 different queries."""
PAIRS = 3


@dataclass(frozen=True)
class Measured:
    """What one scan cost, an event each, and beside it a row of the product."""

    log: LongLog
    seconds: float
    product: float
    peak_mb: float

    def row(self, over: str, value: float | str) -> dict[str, Any]:
        return {
            "over": over,
            "value": value,
            "microseconds_per_event": round(self.seconds * 1e6, 2),
            "ratio_to_product": round(self.seconds / self.product, 1),
            "peak_mb": round(self.peak_mb),
        }


@dataclass
class Ground:
    """A folder with a workspace, whose salt keys a sketch of training rows, and a baseline for each size of input."""

    folder: Path
    detectors: set[int] = field(default_factory=set)
    """How many each baseline is for."""

    def __post_init__(self) -> None:
        caponier("init", str(self.folder / "workspace"), "--quiet")

    def scan(self, log: LongLog, pairs: int = 1) -> Measured:
        """Scan a log, and measure a product, in turn; the medians count."""
        say(f"{log.events:,} events of {log.features} features, {log.each} a subject, {log.heavy:.0%} of one")
        baseline, path = self.baseline(log.features), log.write(self.folder / "log.parquet")
        costs, products = [], []
        for _ in range(pairs):
            costs.append(caponier("scan", "inference", str(path), "--baseline", str(baseline), *self._common()))
            products.append(product_seconds(log.features, RING, log.events))
        if any(cost.exit_code == 3 for cost in costs):
            raise RuntimeError("not every detector could look at the log")
        seconds = statistics.median(cost.cpu_seconds for cost in costs) / log.events
        return Measured(log, seconds, statistics.median(products), statistics.median(cost.peak_mb for cost in costs))

    def baseline(self, features: int) -> Path:
        path = self.folder / f"{features}.safetensors"
        if not path.exists():
            benign = replace(BASELINE, features=features).write(self.folder / "benign.parquet")
            trained = self.folder / "trained.npz"
            inputs = shot(pictures(features), np.random.default_rng(2))
            np.savez(trained, x=inputs, y=np.zeros(len(inputs), np.int64))
            kind = ("--kind", "numeric" if features == 500 else "image", "--shape", SHAPES[features], "--range", "0,1")
            training = ("--training-set", str(trained), "--quiet", "--workspace", str(self.folder / "workspace"))
            caponier("baseline", "build", str(benign), "--out", str(path), *kind, *training)
            section = Baseline.load(path).of(MODEL, None)
            self.detectors.add(len(section.detectors) if section else 0)
        return path

    def _common(self) -> tuple[str, ...]:
        return ("--workspace", str(self.folder / "workspace"), "--format", "csv", "--quiet")


def run(quick: bool) -> Scorecard:
    """Measure growth; quick: logs of a tenth of the length and less, and a baseline of one size."""
    unit = 100_000 if quick else 1_000_000
    passes = [_similarity(*case) for case in ((196, 200, RING), (196, 10, RING), (196, ROWS, RING))]
    table = [
        {"over": "similarity", "value": name} | row for name, row in zip(("200", "10", "heavy"), passes, strict=True)
    ]
    table += [{"over": "ring", "value": ring} | _similarity(196, 200, ring) for ring in (50, 100, 200, 400)]
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        plain = LongLog(unit)
        main = {
            "200": ground.scan(plain, PAIRS),
            "10": ground.scan(replace(plain, each=10), PAIRS),
            "heavy": ground.scan(replace(plain, heavy=0.9), PAIRS),
        }
        lengths = [
            main["200"],
            *(ground.scan(replace(plain, events=n * unit)) for n in ((2, 4) if quick else (2, 4, 10))),
        ]
        spread = [ground.scan(replace(plain, each=each)) for each in (() if quick else (2_000, 50))]
        sizes = [ground.scan(LongLog(200_000, features)) for features in (() if quick else (16, 64, 196, 500, 784))]
    table += [one.row("subjects of", name if name == "heavy" else int(name)) for name, one in main.items()]
    table += [one.row("events", one.log.events) for one in lengths]
    by_number = sorted([main["200"], main["10"], *spread], key=lambda one: -one.log.each)
    table += [one.row("subjects", one.log.events // one.log.each) for one in by_number]
    table += [one.row("features", one.log.features) for one in sizes]
    if not quick:
        _draw(table)
    about = (
        "Processor seconds of whole processes. The similarity pass: batches of 8,192 rows, subjects of 200, of 10 and "
        f"one of all. Scans: Parquet in, findings out, {unit:,} events with all columns, subjects of 200, of 10, "
        f"and one with nine tenths of all; {'/'.join(map(str, sorted(ground.detectors)))} detectors. Beside each, a "
        f"product of rows by a ring of {RING}."
    )
    return Scorecard("scale", about, _figures(passes, main, lengths), GOALS, (0, 1), table)


GOALS = (
    Goal("similarity_events_per_core_second", 500_000, at_least=True),
    Goal("similarity_events_per_core_second_10", 500_000, at_least=True),
    Goal("similarity_events_per_core_second_heavy", 500_000, at_least=True),
    Goal("scan_events_per_core_second_200", 50_000, at_least=True),
    Goal("scan_events_per_core_second_10", 50_000, at_least=True),
    Goal("scan_events_per_core_second_heavy", 50_000, at_least=True),
    Goal("memory_growth", 1.10, at_least=False),
)


def _figures(
    passes: Sequence[dict[str, Any]], main: dict[str, Measured], lengths: Sequence[Measured]
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, row in zip(("", "_10", "_heavy"), passes, strict=True):
        figures[f"similarity_events_per_core_second{name}"] = round(1e6 / row["microseconds_per_event"])
        figures[f"similarity_ratio_to_product{name}"] = row["ratio_to_product"]
    for name, one in main.items():
        figures[f"scan_events_per_core_second_{name}"] = round(1 / one.seconds)
        figures[f"scan_ratio_to_product_{name}"] = round(one.seconds / one.product, 1)
        figures[f"scan_peak_mb_{name}"] = round(one.peak_mb)
    first, longest = lengths[0], lengths[-1]
    further = longest.seconds * longest.log.events - first.seconds * first.log.events
    return figures | {
        # What starting costs, about a second, falls out of the difference.
        "scan_events_per_core_second_further": round((longest.log.events - first.log.events) / further),
        "events_of_the_longest_log": longest.log.events,
        "scan_events_per_core_second_longest": round(1 / longest.seconds),
        "memory_growth": round(longest.peak_mb / first.peak_mb, 3),
    }


def product_seconds(features: int, ring: int, rows: int) -> float:
    """Return the processor seconds a row of a warmed product (rows x features) by (features x ring), in blocks."""
    rng = np.random.default_rng(0)
    block, held = rng.random((ROWS, features), np.float32), rng.random((features, ring), np.float32)
    out = np.empty((ROWS, ring), np.float32)
    np.matmul(block, held, out=out)
    times = max(3, min(rows // ROWS, 25))
    started = cpu_seconds()
    for _ in range(times):
        np.matmul(block, held, out=out)
    return (cpu_seconds() - started) / (times * ROWS)


def _similarity(features: int, each: int, ring: int) -> dict[str, Any]:
    """Time the pass over batches of subjects with `each` events, beside the product, in turn."""
    say(f"similarity: {features} features, subjects of {each}, a ring of {ring}")
    batches = [_batch(features, each, seed) for seed in range(8)]
    spent, products = [], []
    with patch.object(nearest_query, "RING", ring):
        _pass(batches[:2], each)
        for _ in range(PAIRS):
            spent.append(_pass(batches, each))
            products.append(product_seconds(features, ring, len(batches) * ROWS))
    seconds = statistics.median(spent)
    ratio = statistics.median(one / other for one, other in zip(spent, products, strict=True))
    return {"microseconds_per_event": round(seconds * 1e6, 3), "ratio_to_product": round(ratio, 2)}


def _pass(batches: Sequence[EventBatch], each: int) -> float:
    """Return the processor seconds a row; one subject alone goes on from batch to batch."""
    started = cpu_seconds()
    goes_on = None
    for batch in batches:
        state = np.zeros(batch.subjects, nearest_query.state_dtype(batch.query.shape[1]))
        if each >= ROWS and goes_on is not None:
            state = goes_on
        goes_on = nearest_query.add_signals(state, batch, np.array([batch.subjects - 1])).state
    return (cpu_seconds() - started) / (len(batches) * ROWS)


def _batch(features: int, each: int, seed: int) -> EventBatch:
    rng = np.random.default_rng(seed)
    keys = rng.integers(1, 2**63, ROWS).astype(np.uint64)
    # One in twenty is asked twice.
    again = np.flatnonzero(rng.random(ROWS - 1) < 0.05) + 1
    keys[again] = keys[again - 1]
    return EventBatch(
        offsets=np.append(np.arange(0, ROWS, each), ROWS),
        time=np.arange(ROWS),
        source=np.zeros(ROWS, np.int32),
        seq=np.arange(ROWS),
        query=rng.integers(0, 128, (ROWS, features), np.uint8),
        key=keys,
        label=rng.integers(1, 11, ROWS).astype(np.uint64),
    )


def _draw(table: Sequence[dict[str, Any]]) -> None:
    """Draw what an event costs, and the memory, over everything that can grow."""

    def points(over: str, figure: str) -> list[tuple[float, float]]:
        return [(row["value"], row[figure]) for row in table if row["over"] == over]

    cost, memory = "microseconds_per_event", "peak_mb"
    PICTURE.parent.mkdir(exist_ok=True)
    panels = [
        Panel("Scan, by events", points("events", cost), "µs an event"),
        Panel("Peak memory, by events", points("events", memory), "MB"),
        Panel("Scan, by subjects", points("subjects", cost), "µs an event"),
        Panel("Scan, by features", points("features", cost), "µs an event"),
        Panel("Peak memory, by features", points("features", memory), "MB"),
        Panel("Similarity pass, by ring", points("ring", cost), "µs an event"),
    ]
    drawn = [panel for panel in panels if len(panel.points) > 1]
    PICTURE.write_text(picture("What an event costs, and what grows", drawn))
