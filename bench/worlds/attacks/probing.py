"""Attackers who try what the endpoint is and what it bears."""

from typing import Any, Final

import numpy as np

from bench.worlds.attacks.case import Case, Found
from bench.worlds.traffic import Calls


def schema_probing(case: Case) -> Found:
    """Map the interface: metadata, malformed requests of each length, and one row of each class; sees all classes."""
    n = int(case.rng.integers(60, 250))
    at = case.rng.integers(0, len(case.victim.own), n)
    rows = case.victim.own.rows[at].copy()
    operation = np.array(
        case.rng.choice(["predict", "metadata", "health", "other"], n, p=[0.7, 0.15, 0.05, 0.1]), object
    )
    broken = (operation == "predict") & (case.rng.random(n) < 0.6)
    status = np.where(broken, case.rng.choice([400, 422, 500, 413], n, p=[0.6, 0.25, 0.1, 0.05]), 200)
    status = np.where((operation == "other") | (operation == "metadata"), case.rng.choice([200, 404, 405], n), status)
    length = np.full(n, -1)
    if rows.ndim == 2 and case.victim.texts is None:
        length[broken] = np.arange(int(broken.sum())) % rows.shape[1]
    scores = case.victim.ask(rows)
    seen = len(set(scores[status == 200].argmax(axis=1).tolist())) / len(case.victim.classes)
    calls = Calls(rows, operation=operation, status=status, length=length)
    return Found(calls, "all classes seen, and what is refused", seen, n if seen == 1 else None, scores)


def flood(case: Case) -> Found:
    """Exhaust the server: few rows as fast as it goes; what it cannot bear is answered 429 or 503 (or late)."""
    n = 2_000
    rows = case.victim.own.rows[case.rng.integers(0, min(20, len(case.victim.own)), n)]
    refused = (np.arange(n) > 300) & (case.rng.random(n) < 0.6)
    status = np.where(refused, case.rng.choice([429, 503, 504], n), 200)
    return Found(Calls(rows, status=status), "over half refused", float(refused.mean()), n)


def range_probing(case: Case) -> Found:
    """Find what numbers are taken: each column at zero, below its least and far beyond its greatest value."""
    oracle = case.oracle(600)
    original, label, _ = case.original(oracle)
    width = len(original)
    columns = case.rng.permutation(width)[:150]
    found: list[Any] = []
    for value in (-1.0, 0.0, 2.0, 10.0):
        rows = np.repeat(original[None], len(columns), axis=0)
        rows[np.arange(len(columns)), columns] = value
        found.append(rows)
    rows = oracle.up(np.concatenate(found))
    scores = case.victim.ask(rows)
    moved = float((scores.argmax(axis=1) != label).mean())
    status = np.where(np.abs(np.concatenate(found)).max(axis=1) > 9, case.rng.choice([200, 400], len(rows)), 200)
    return Found(Calls(rows, status=status), "limits of every column tried", moved, len(rows), scores)


PICTURES: Final = {"schema_probing": schema_probing, "flood": flood, "range_probing": range_probing}
TABLES: Final = PICTURES
CATEGORIES: Final = {"schema_probing": schema_probing, "flood": flood}
TEXTS: Final = CATEGORIES
