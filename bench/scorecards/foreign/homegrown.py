"""Inference logs as teams write them by hand, read without any option: how many are read whole and right.

The truth is known, since the logs are generated. Half of them have field names and containers that were kept aside
while the readers were made. Seeds were drawn for this scorecard alone: whoever looks into these logs needs others.
"""

import os
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from bench.machinery.homegrown.judged import judge
from bench.machinery.homegrown.logs import generate
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard

FIRST: Final = {"open": 6_000, "kept_aside": 7_000}
EACH: Final = 200
KINDS: Final = ("right", "lacking", "refused", "wrong")


def run(quick: bool) -> Scorecard:
    """Read logs with known names and with names that were kept aside."""
    each = EACH // 10 if quick else EACH
    figures: dict[str, Any] = {"logs": each * len(FIRST)}
    table: list[dict[str, Any]] = []
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for names, first in FIRST.items():
            say(f"{each} logs, names {names}")
            read = list(pool.map(_kind, range(first, first + each), [names == "kept_aside"] * each, chunksize=5))
            kinds = Counter(kind for kind, _ in read)
            figures |= {f"{names}_{kind}_share": kinds[kind] / each for kind in KINDS}
            for factor in read[0][1]:
                of = Counter(held[factor] for _, held in read)
                bad = Counter(held[factor] for kind, held in read if kind != "right")
                worst = max(of, key=lambda value: (bad[value] / of[value], of[value]))
                told = {"names": names, "factor": factor, "worst": worst}
                table.append(told | {"logs": of[worst], "not_right": bad[worst]})
    goals = (
        Goal("kept_aside_right_share", 0.95, at_least=True),
        Goal("kept_aside_wrong_share", 0.0, at_least=False),
    )
    about = (
        f"{each} generated logs with field names that were known while the readers were made, and {each} with names "
        "and containers that were kept aside. Right: every event with its time, caller, model, input and answer. "
        "Lacking: something that the log says was not read. Wrong: something was read that the log does not say."
    )
    return Scorecard("homegrown", about, figures, goals, tuple(FIRST.values()), table)


def _kind(seed: int, held_out: bool) -> tuple[str, dict[str, str]]:
    log = generate(seed, held_out=held_out)
    with tempfile.TemporaryDirectory() as folder:
        return judge(log, Path(folder)).kind, log.choice.factors
