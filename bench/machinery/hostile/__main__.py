"""Carries out a campaign: `python -m bench.machinery.hostile COUNT SEED [mutations]`, and prints its figures as JSON.

With `mutations` files of all formats are changed; without, pickles are built from a grammar.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

from bench.machinery.hostile.campaign import run, run_mutations


def main(count: int, seed: int, *, mutations: bool = False) -> int:
    with tempfile.TemporaryDirectory() as folder:
        outcome = (run_mutations if mutations else run)(count, seed, Path(folder))
    figures = {
        "programs": outcome.programs,
        "fired": outcome.fired,
        "clean_and_fired": len(outcome.clean_and_fired),
        "broken": outcome.broken[:5],
        "most_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "slowest_seconds": round(outcome.slowest, 3),
        "verdicts_of_others": outcome.verdicts,
        "rarest_class": min(outcome.classes.values(), default=0),
        "instructions": len(outcome.opcodes),
        "rarest_instruction": min(outcome.opcodes.values(), default=0),
    }
    for content in outcome.clean_and_fired:
        sys.stderr.write(f"{content!r}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 1 if outcome.clean_and_fired or outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), mutations=sys.argv[3:] == ["mutations"]))
