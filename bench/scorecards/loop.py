"""How fast a scan is, how much memory it takes, and how long the demo is.

The whole scan is measured as a user runs it: Parquet in, findings out, start-up included.
"""

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.machinery import traffic
from bench.machinery.measured import caponier, cpu_seconds, say
from bench.machinery.scorecard import Goal, Scorecard

FEATURES, RING = 64, 200
SPEC = ("--kind", "image", "--shape", "8,8", "--range", "0,1")


def run(quick: bool) -> Scorecard:
    """Scan 1 and 4 million events, and run the demo; quick: 100,000 and 400,000."""
    small, large = (100_000, 400_000) if quick else (1_000_000, 4_000_000)
    with tempfile.TemporaryDirectory() as folder:
        figures = _scans(Path(folder), small, large, pairs=3)
        figures |= _demo(Path(folder) / "demo")
    goals = (
        Goal("events_per_core_second", 30_000, at_least=True),
        Goal("memory_growth", 1.10, at_least=False),
        Goal("demo_seconds", 90, at_least=False),
        Goal("demo_attackers_flagged_share", 1.0, at_least=True),
        Goal("demo_benign_flagged", 0, at_least=False),
    )
    about = (
        f"caponier scan inference over Parquet logs of {small:,} and {large:,} events with {FEATURES} features, users "
        "with 200 events each, both detectors; beside one warmed float32 product of "
        f"(n x {FEATURES}) by ({FEATURES} x {RING})."
    )
    return Scorecard("loop", about, figures, goals, (0,))


def _scans(folder: Path, small: int, large: int, pairs: int) -> dict[str, Any]:
    say("making logs")
    benign, first, second = (folder / name for name in ("benign.parquet", "small.parquet", "large.parquet"))
    traffic.write_benign_log(benign, 60_000, seed=1)
    traffic.write_benign_log(first, small)
    traffic.write_benign_log(second, large)
    baseline = folder / "b.safetensors"
    caponier("baseline", "build", str(benign), "--out", str(baseline), *SPEC, "--quiet")
    arguments = ("--baseline", str(baseline), "--format", "csv", "--quiet")
    scans, products, costs = [], [], []
    for turn in range(pairs):
        say(f"scan and product {turn + 1} of {pairs}")
        cost = caponier("scan", "inference", str(first), *arguments)
        costs.append(cost)
        scans.append(cost.cpu_seconds / small)
        products.append(_product_seconds(small))
    say("the large log")
    large_cost = caponier("scan", "inference", str(second), *arguments)
    peak = statistics.median(cost.peak_mb for cost in costs)
    ratios = [scan / product for scan, product in zip(scans, products, strict=True)]
    return {
        "events_per_core_second": round(1 / statistics.median(scans)),
        "events_per_core_second_large": round(large / large_cost.cpu_seconds),
        "microseconds_per_event": round(statistics.median(scans) * 1e6, 2),
        "product_microseconds_per_event": round(statistics.median(products) * 1e6, 3),
        "ratio_to_product": round(statistics.median(ratios), 1),
        "peak_mb_small": round(peak),
        "peak_mb_large": round(large_cost.peak_mb),
        "memory_growth": round(large_cost.peak_mb / peak, 3),
    }


def _product_seconds(n: int) -> float:
    """Return the CPU seconds a row of a warmed (n x 64) by (64 x 200) product in blocks that fit the cache."""
    rng = np.random.default_rng(0)
    rows, ring = rng.random((8_192, FEATURES), np.float32), rng.random((FEATURES, RING), np.float32)
    out = np.empty((8_192, RING), np.float32)
    np.matmul(rows, ring, out=out)
    blocks = max(1, n // 8_192)
    started = cpu_seconds()
    for _ in range(blocks):
        np.matmul(rows, ring, out=out)
    return (cpu_seconds() - started) / (blocks * 8_192)


def _demo(out: Path) -> dict[str, Any]:
    say("demo")
    cost = caponier("demo", "--out", str(out), "--format", "json", "--quiet")
    result = json.loads(cost.output)
    return {
        "demo_seconds": round(cost.seconds, 1),
        "demo_attackers_flagged_share": result["attackers_flagged"] / result["attackers"],
        "demo_benign_flagged": result["benign_flagged"],
    }
