"""Attackers who want to know what the model learned from."""

from typing import Final

import numpy as np

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.oracle import Rows, until_spent

CANDIDATES: Final = 300
AREA: Final = 0.55
"""Area under the curve of members against others from which on rows are given away."""
SURE: Final = 0.9


def _candidates(case: Case) -> tuple[Rows, Rows, Rows]:
    """Return rows in the model's units, their labels, and which of them were learned from: half."""
    half, victim = CANDIDATES // 2, case.victim
    inside = case.rng.permutation(len(victim.train))[:half]
    outside = case.rng.permutation(len(victim.own))[:half]
    rows = np.concatenate([victim.train.rows[inside], victim.own.rows[outside]])
    labels = np.concatenate([victim.train.labels[inside], victim.own.labels[outside]])
    order = case.rng.permutation(len(rows))
    return rows[order], labels[order], (np.arange(len(rows)) < half)[order]


def _area(score: Rows, member: Rows) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(member, score))


def membership_threshold(case: Case) -> Found:
    """Ask for candidates and take the confident ones for members (Yeom et al. 2018; Salem et al. 2019)."""
    oracle = case.oracle(CANDIDATES + 1)
    rows, labels, member = _candidates(case)
    scores = oracle.ask_raw(rows)
    area = _area(scores[np.arange(len(rows)), labels], member)
    return Found.once(oracle, f"area at least {AREA}", area, reached=area >= AREA)


def membership_label_only(case: Case) -> Found:
    """Ask for noisy copies of candidates: the answers about members hold longer (Choquette-Choo et al. 2021)."""
    each = 6
    oracle = case.oracle(CANDIDATES * each + 1)
    rows, labels, member = _candidates(case)
    low, high = np.quantile(case.victim.own.rows, [0.05, 0.95], axis=0)
    size = np.repeat(np.linspace(0.05, 0.6, each), len(rows))[:, None] * np.maximum(high - low, 1e-3) * 0.5
    many = np.tile(rows, (each, 1))
    held = many + (size * case.rng.standard_normal(many.shape)).astype(np.float32)
    order = np.argsort(np.tile(np.arange(len(rows)), each), kind="stable")
    noisy = np.where(case.rng.random(many.shape) < 0.5, held, many)
    noisy = np.clip(noisy, case.victim.own.rows.min(axis=0), case.victim.own.rows.max(axis=0)).astype(np.float32)
    answers = oracle.ask_raw(noisy[order]).argmax(axis=1)
    area = _area((answers == np.repeat(labels, each)).reshape(len(rows), each).mean(axis=1), member)
    return Found.once(oracle, f"area at least {AREA}", area, reached=area >= AREA)


def inversion(case: Case) -> Found:
    """Climb from the mean to what the model is surest of, without gradients (Fredrikson et al. 2015; NES).

    The goal is a class that the mean is not, answered with 90 %.
    """
    oracle, rng = case.oracle(1_500), case.rng
    at = np.asarray(oracle.down(case.victim.own.rows).mean(axis=0), np.float32)
    width, step = len(at), 0.06
    target = int(rng.choice(np.delete(np.arange(oracle.classes), case.victim.ask(oracle.up(at[None])).argmax())))
    best = 0.0
    with until_spent():
        while best < SURE:
            noise = rng.standard_normal((12, width), np.float32)
            if case.victim.side:
                from bench.worlds.attacks.by_decisions import waves

                noise = waves(case.victim.side, 8, 12, rng) * np.float32(3)
            both = np.clip(np.concatenate([at + step * noise, at - step * noise]), 0, 1)
            score = np.log(oracle.ask(both)[:, target] + 1e-6)
            slope = (score[:12] - score[12:]) @ noise
            norm = float(np.linalg.norm(slope))
            if norm > 0:
                at = np.clip(at + 3 * step * slope / norm * np.sqrt(width) / 4, 0, 1)
            best = max(best, float(oracle.ask(at[None])[0, target]))
    return Found.once(oracle, f"a row that is {SURE:.0%} of a class", best, reached=best >= SURE)


PICTURES: Final = {
    "membership_threshold": membership_threshold,
    "membership_label_only": membership_label_only,
    "inversion": inversion,
}
TABLES: Final = PICTURES
CATEGORIES: Final = {"membership_threshold": membership_threshold}
