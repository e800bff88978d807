"""Evasion by labels alone, in the manner of the papers: SurFree, GeoDA, QEBA, Triangle, and few columns of a table."""

from typing import Final

import numpy as np

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.oracle import Oracle, Rows, nearest, until_spent
from bench.worlds.attacks.toolbox import HALVED

FEW: Final = 6
"""Most columns of a row that may be changed, of 57 or fewer."""


def _judged(oracle: Oracle, original: Rows, label: int) -> Found:
    queries, share = nearest(oracle, original, label)
    return Found.of(oracle, HALVED, share, queries)


def _searched(oracle: Oracle, original: Rows, away: Rows, label: int, steps: int = 8) -> Rows:
    """Return the point next to the boundary between the original and a row that is answered otherwise."""
    low, high = 0.0, 1.0
    for _ in range(steps):
        middle = (low + high) / 2
        if oracle.label(original + middle * (away - original)) != label:
            high = middle
        else:
            low = middle
    return np.asarray(original + high * (away - original), np.float32)


def waves(side: int, lowest: int, n: int, rng: np.random.Generator) -> Rows:
    """Return n directions (n, side * side) made of the lowest frequencies of the cosine transform."""
    from scipy.fft import idctn

    spectrum = np.zeros((n, side, side), np.float32)
    spectrum[:, :lowest, :lowest] = rng.standard_normal((n, lowest, lowest))
    return np.asarray(idctn(spectrum, axes=(1, 2), norm="ortho").reshape(n, -1), np.float32)


def _directions(case: Case, n: int, width: int) -> Rows:
    """Return n directions (n, width): low waves of a picture, any of a row."""
    if case.victim.side:
        return waves(case.victim.side, case.victim.side // 3, n, case.rng)
    return case.rng.standard_normal((n, width), np.float32)


def surfree(case: Case) -> Found:
    """SurFree (Maho, Furon and Le Merrer 2021): circles towards the original in planes of low frequency."""
    oracle = case.oracle(1_200)
    original, label, start = case.original(oracle)
    with until_spent():
        oracle.label(start)
        at = _searched(oracle, original, start, label)
        while True:
            one = (at - original) / np.linalg.norm(at - original)
            other = _directions(case, 1, len(original))[0]
            other -= (other @ one) * one
            other /= np.linalg.norm(other)
            distance = float(np.linalg.norm(at - original))
            for angle in (0.5, -0.5, 0.25, -0.25, 0.12, -0.12, 0.05, -0.05):
                far = distance * np.cos(angle)
                tried = np.clip(original + far * (np.cos(angle) * one + np.sin(angle) * other), 0, 1)
                if oracle.label(tried.astype(np.float32)) != label:
                    at = tried.astype(np.float32)
                    break
            else:
                continue
            at = _searched(oracle, original, at, label, 4)
    return _judged(oracle, original, label)


def qeba(case: Case) -> Found:
    """QEBA (Li et al. 2020): HopSkipJump's gradient, estimated among low frequencies alone."""
    return _estimated(case, 1_500, 40, "gradient")


def wide_search(case: Case) -> Found:
    """The same with samples as far off as the original is, few a step: as OARS adapts to defences (Feng 2023)."""
    return _estimated(case, 1_000, 16, "gradient", reach=1.2)


def geoda(case: Case) -> Found:
    """GeoDA (Rahmati et al. 2020): the boundary taken as flat, and the original projected on it."""
    return _estimated(case, 1_200, 60, "normal")


def _estimated(case: Case, budget: int, each: int, how: str, reach: float = 0.3) -> Found:
    oracle = case.oracle(budget)
    original, label, start = case.original(oracle)
    with until_spent():
        oracle.label(start)
        at, turn = _searched(oracle, original, start, label), 0
        while True:
            turn += 1
            distance = max(1e-4, float(np.linalg.norm(at - original)))
            ways = _directions(case, int(each * np.sqrt(turn)), len(original))
            ways /= np.linalg.norm(ways, axis=1, keepdims=True)
            wrong = oracle.labels(np.clip(at + reach * distance / np.sqrt(turn) * ways, 0, 1)) != label
            sign = np.where(wrong, 1.0, -1.0)
            normal = ((sign - sign.mean()) if 0 < wrong.mean() < 1 else sign) @ ways
            normal /= max(1e-9, float(np.linalg.norm(normal)))
            step = distance / np.sqrt(turn)
            base = at if how == "gradient" else original
            for _ in range(6):
                tried = np.clip(base + step * normal, 0, 1).astype(np.float32)
                if oracle.label(tried) != label:
                    found = _searched(oracle, original, tried, label)
                    at = found if np.linalg.norm(found - original) < distance or how == "gradient" else at
                    break
                step *= 0.6 if how == "gradient" else 1.2
    return _judged(oracle, original, label)


def triangle(case: Case) -> Found:
    """Triangle (Wang et al. 2022): the third side of a triangle in a plane of low frequency, its angle learned."""
    oracle = case.oracle(1_500)
    original, label, start = case.original(oracle)
    with until_spent():
        oracle.label(start)
        at, beta, share = _searched(oracle, original, start, label), np.pi / 8, 0.95
        while True:
            distance = float(np.linalg.norm(at - original))
            one = (at - original) / distance
            other = _directions(case, 1, len(original))[0]
            other -= (other @ one) * one
            other /= np.linalg.norm(other)
            hit = False
            for turn in (1.0, -1.0):
                tried = original + distance * share * (np.cos(beta) * one + turn * np.sin(beta) * other)
                tried = np.clip(tried, 0, 1).astype(np.float32)
                if oracle.label(tried) != label:
                    at, hit = tried, True
                    break
            beta = float(np.clip(beta * (1.05 if hit else 0.97), 0.02, np.pi / 4))
            share = float(np.clip(share - 0.02 if hit else share + 0.004, 0.7, 0.995))
    return _judged(oracle, original, label)


def few_columns(case: Case) -> Found:
    """Change few columns: a row of another class, and back with as many as go (after Ballet et al. 2019)."""
    oracle = case.oracle(800)
    original, label, _ = case.original(oracle)
    donors = case.own(200, oracle)
    donors = donors[case.victim.ask(oracle.up(donors)).argmax(axis=1) != label]
    reached, left = None, len(original)
    with until_spent():
        while left > FEW:
            row = donors[case.rng.integers(len(donors))].copy()
            if oracle.label(row) == label:
                continue
            order = case.rng.permutation(len(original))
            for size in (16, 8, 4, 2, 1):
                for columns in np.array_split(order, max(1, len(order) // size)):
                    back = row.copy()
                    back[columns] = original[columns]
                    if (back != row).any() and oracle.label(back) != label:
                        row = back
            changed = int((row != original).sum())
            if changed < left:
                left, reached = changed, oracle.asked
    return Found.of(oracle, f"another class by {FEW} columns", left, reached if left <= FEW else None)


PICTURES: Final = {"surfree": surfree, "qeba": qeba, "wide_search": wide_search, "geoda": geoda, "triangle": triangle}
TABLES: Final = {"surfree": surfree, "wide_search": wide_search, "few_columns": few_columns}
