"""Extraction of trees by their paths, and of linear models by equations (Tramer et al. 2016)."""

from typing import Final

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.extraction import judged
from bench.worlds.attacks.oracle import until_spent


def path_finding(case: Case) -> Found:
    """Halve each column's range until the leaf's edge is found, and go on from beyond it (Tramer et al. 2016)."""
    oracle = case.oracle(2_000)
    todo = list(case.own(60, oracle))
    with until_spent():
        while todo:
            row = todo.pop(0)
            here = oracle.ask(row[None])[0, 0]
            for column in case.rng.permutation(len(row))[:12]:
                for end in (0.0, 1.0):
                    low, high = float(row[column]), end
                    tried = row.copy()
                    tried[column] = end
                    if abs(oracle.ask(tried[None])[0, 0] - here) < 1e-7:
                        continue
                    while abs(high - low) > 0.02:
                        tried[column] = (low + high) / 2
                        same = abs(oracle.ask(tried[None])[0, 0] - here) < 1e-7
                        low, high = ((low + high) / 2, high) if same else (low, (low + high) / 2)
                    tried[column] = high
                    todo.append(tried.copy())
    return judged(case, oracle)


TABLES: Final = {"path_finding": path_finding}
