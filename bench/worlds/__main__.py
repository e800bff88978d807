"""`python -m bench.worlds NAME --seed 1`: what a world holds, and how its attacks fared."""

import argparse
import time
from collections import Counter
from typing import Any

import numpy as np

from bench.worlds import ALL, load
from bench.worlds.world import Campaign, Log


def _log(title: str, log: Log) -> None:
    count = np.array(list(Counter(log.events["principal"].to_pylist()).values()))
    quantiles = np.quantile(count, [0, 0.25, 0.5, 0.75, 0.95, 1]).astype(int).tolist()
    print(f"{title}: {len(count)} callers, {log.events.num_rows} events, {log.events.nbytes / 2**20:.0f} MiB")
    print(f"  queries a caller at 0, 25, 50, 75, 95, 100 %: {quantiles}; above 500: {(count > 500).mean():.1%}")
    shares = Counter(log.truth.values()).most_common()
    print("  " + ", ".join(f"{name} {n / len(log.truth):.1%}" for name, n in shares))


def _campaigns(found: list[Campaign]) -> None:
    for name in dict.fromkeys(one.name for one in found):
        own = [one for one in found if one.name == name]
        told: list[Any] = [one.queries_to_success for one in own]
        print(
            f"  {own[0].kind:11} {name:24} {sum(one.succeeded for one in own)}/{len(own)}"
            f"  figures {[round(one.figure, 3) for one in own]}  queries {told}"
            f"  events {[one.events.num_rows for one in own]}  ({own[0].goal})"
        )


def main() -> None:
    """Make a world and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.worlds")
    parser.add_argument("name", choices=ALL)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calibration", type=int, default=300)
    parser.add_argument("--use", type=int, default=1_000)
    parser.add_argument("--each", type=int, default=3)
    given = parser.parse_args()
    one, began = load(given.name), time.perf_counter()

    def lap(what: str) -> None:
        print(f"[{time.perf_counter() - began:.1f} s] {what}", flush=True)

    victim = one.victim(given.seed)
    rows = [len(pool) for pool in (victim.train, victim.calm, victim.fresh, victim.own)]
    lap(f"{one.description} Accuracy {victim.accuracy():.3f}; rows {rows}")
    _log("calibration", one.calibration(given.seed, given.calibration))
    lap("calibration")
    _log("use", one.use(given.seed, given.use))
    lap("use")
    _campaigns(one.attackers(given.seed, given.each))
    lap("attackers")


if __name__ == "__main__":
    main()
