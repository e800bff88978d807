"""Evasion by scores in the manner of the papers: NES, steps that adapt to a defence, and few pixels."""

from typing import Final

import numpy as np

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.oracle import Oracle, Rows, flipped, until_spent
from bench.worlds.attacks.toolbox import bound, bound_max

GENTLE: Final = 1e-6


def _l2(oracle: Oracle, original: Rows, label: int, most: float) -> Found:
    queries, size = flipped(oracle, original, label, 2, most)
    return Found.of(oracle, f"another class within L2 {most:.3g}", size, queries)


def _stops(oracle: Oracle, original: Rows, label: int, norm: float, most: float) -> None:
    """End the attack at the first wrong answer within the bound."""
    origin = original.copy()

    def done(row: Rows, told: int) -> bool:
        return told != label and float(np.linalg.norm(oracle.down(row) - origin, ord=norm)) <= most + GENTLE

    oracle.done = done


def _loss(scores: Rows, label: int) -> Rows:
    """Return by how much the right class leads, in log-odds (n,)."""
    others = np.delete(scores, label, axis=1).max(axis=1)
    return np.asarray(np.log(scores[:, label] + GENTLE) - np.log(others + GENTLE))


def nes(case: Case) -> Found:
    """NES (Ilyas et al. 2018): antithetic differences about the point, and steps of the sign."""
    return _nes(case, sigma=0.05, step=0.03, each=30)


def nes_wide(case: Case) -> Found:
    """NES with samples far apart, so that no two look alike: as OARS adapts to stateful defences (Feng et al. 2023)."""
    return _nes(case, sigma=0.2, step=0.05, each=15)


def _nes(case: Case, sigma: float, step: float, each: int) -> Found:
    oracle, most = case.oracle(2_000), bound_max(case.oracle())
    original, label, _ = case.original(oracle)
    if case.victim.spec.kind != "image":
        sigma, step = max(sigma, 0.08), 0.05  # trees answer the same within a leaf
    _stops(oracle, original, label, np.inf, most)
    at, slope = original.copy(), np.zeros_like(original)
    with until_spent():
        oracle.label(at)
        while True:
            noise = case.rng.standard_normal((each, len(original)), np.float32)
            both = np.clip(np.concatenate([at + sigma * noise, at - sigma * noise]), 0, 1)
            loss = _loss(oracle.ask(both), label)
            slope = 0.8 * slope + ((loss[:each] - loss[each:]) @ noise) / each
            at = np.clip(np.clip(at - step * np.sign(slope), original - most, original + most), 0, 1)
            oracle.label(at)
    queries, size = flipped(oracle, original, label, np.inf, most)
    return Found.of(oracle, f"another class within Linf {most:.3g}", size, queries)


def oars_square(case: Case) -> Found:
    """An adaptive random search: wide proposals that lie far apart, smaller only when none helps (Feng 2023)."""
    oracle, most = case.oracle(1_500), bound(case.oracle())
    original, label, _ = case.original(oracle)
    _stops(oracle, original, label, 2, most)
    side, share = case.victim.side, 0.6
    with until_spent():
        best, least = original.copy(), _loss(oracle.ask(original[None]), label)[0]
        misses = 0
        while True:
            change = best - original
            if side:
                size = max(2, round(side * np.sqrt(share)))
                down, right = case.rng.integers(0, side - size + 1, 2)
                patch = np.zeros((side, side), np.float32)
                patch[down : down + size, right : right + size] = case.rng.choice([-1.0, 1.0])
                step = patch.reshape(-1) * most / size
            else:
                step = case.rng.standard_normal(len(original)).astype(np.float32) * (
                    case.rng.random(len(original)) < share
                )
                step *= most / max(GENTLE, float(np.linalg.norm(step)))
            new = change + step
            new *= min(1.0, most / max(GENTLE, float(np.linalg.norm(new))))
            tried = np.clip(original + new, 0, 1)
            loss = _loss(oracle.ask(tried[None]), label)[0]
            if loss < least:
                best, least, misses = tried, loss, 0
            else:
                misses += 1
            share = max(0.03, share * (0.8 if misses > 12 else 1))
            misses = 0 if misses > 12 else misses
    return _l2(oracle, original, label, most)


def few_pixels(case: Case) -> Found:
    """Few pixels by random search (Croce et al. 2022, Sparse-RS): at most one in forty is changed."""
    oracle = case.oracle(1_500)
    original, label, _ = case.original(oracle)
    most = len(original) // 40

    def done(row: Rows, told: int) -> bool:
        return told != label

    oracle.done = done
    rng = case.rng
    with until_spent():
        chosen = rng.permutation(len(original))[:most]
        value = rng.integers(0, 2, most).astype(np.float32)
        row = original.copy()
        row[chosen] = value
        least, turn = _loss(oracle.ask(row[None]), label)[0], 0
        while True:
            turn += 1
            moved = rng.permutation(most)[: max(1, int(most * 0.4 / (1 + turn / 60)))]
            new, light = chosen.copy(), value.copy()
            new[moved] = rng.choice(np.setdiff1d(np.arange(len(original)), chosen), len(moved), replace=False)
            light[moved] = rng.integers(0, 2, len(moved))
            row = original.copy()
            row[new] = light
            loss = _loss(oracle.ask(row[None]), label)[0]
            if loss < least:
                chosen, value, least = new, light, loss
    rows, scores = oracle.record()
    wrong = np.flatnonzero(scores.argmax(axis=1) != label)
    queries = int(wrong[0]) + 1 if len(wrong) else None
    return Found.of(oracle, f"another class by {most} pixels", float(len(rows)), queries)


PICTURES: Final = {"nes": nes, "nes_wide": nes_wide, "oars_square": oars_square, "few_pixels": few_pixels}
TABLES: Final = {"nes": nes, "nes_wide": nes_wide, "oars_square": oars_square}
