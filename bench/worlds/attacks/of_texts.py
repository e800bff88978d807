"""Attackers of a model of texts who copy it, find out what it learned from, or make it work."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.attacks.case import Case, Found
from bench.worlds.attacks.extraction import GOAL, KAPPA, kappa
from bench.worlds.attacks.oracle import Oracle
from bench.worlds.attacks.privacy import membership_threshold
from bench.worlds.traffic import Calls

Texts = NDArray[Any]


def _array(texts: list[str]) -> Texts:
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


def _judged(case: Case, oracle: Oracle) -> Found:
    """Train a copy on the scores that were told, and hold it against the model."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    rows, scores = oracle.record()
    odds = np.log(np.clip(scores[:, 1], 1e-4, 1 - 1e-4) / np.clip(scores[:, 0], 1e-4, 1 - 1e-4))
    copy = make_pipeline(TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+"), Ridge(0.1)).fit(list(rows), odds)
    exam = case.victim.fresh.rows[:800]
    figure = kappa((copy.predict(list(exam)) > 0).astype(int), case.victim.ask(exam).argmax(axis=1))
    return Found.once(oracle, GOAL, figure, reached=figure >= KAPPA)


def natural_extraction(case: Case) -> Found:
    """Copy from mails of the attacker's own: hardly to be told from a user."""
    oracle = case.oracle(2_000)
    at = np.resize(case.rng.permutation(len(case.victim.own)), 1_000)
    oracle.ask_raw(case.victim.renew(case.victim.own.rows[at], case.rng))
    return _judged(case, oracle)


def nonsense_extraction(case: Case) -> Found:
    """Copy from words at random (Krishna et al. 2020)."""
    oracle = case.oracle(2_000)
    words = sorted(set(" ".join(case.victim.own.rows[:400]).split()))
    oracle.ask_raw(_array([" ".join(case.rng.choice(words, 40)) for _ in range(1_600)]))
    return _judged(case, oracle)


def equations(case: Case) -> Found:
    """Ask for single words and read their weights off: a linear model by equations (Tramer et al. 2016)."""
    oracle = case.oracle(2_001)
    from collections import Counter

    common = Counter(" ".join(case.victim.own.rows).lower().split()).most_common(2_000)
    words = [word for word, _ in common]
    odds = np.log((scores := oracle.ask_raw(_array(words)))[:, 1] / scores[:, 0])
    base = float(np.median(odds))
    weight = dict(zip(words, odds - base, strict=True))
    exam = case.victim.fresh.rows[:800]
    told = [base + sum(weight.get(word, 0) for word in set(text.lower().split())) / 10 for text in exam]
    figure = kappa((np.array(told) > 0).astype(int), case.victim.ask(exam).argmax(axis=1))
    return Found.once(oracle, GOAL, figure, reached=figure >= KAPPA)


def inversion(case: Case) -> Found:
    """Find the text that is most surely spam: words are added one by one, and kept if they help."""
    oracle = case.oracle(900)
    words = sorted(set(" ".join(case.victim.own.rows[:400]).split()))
    kept: list[str] = [str(case.rng.choice(words))]
    best = float(oracle.ask_raw(_array(kept))[0, 1])
    while best < 0.999 and oracle.asked < 890:
        tried = [*kept, str(case.rng.choice(words))]
        score = float(oracle.ask_raw(_array([" ".join(tried)]))[0, 1])
        if score > best:
            kept, best = tried, score
    return Found.once(oracle, "a text that is 99.9% spam", best, reached=best >= 0.999)


def sponge(case: Case) -> Found:
    """Make it work: the longest texts that are taken, each another (Shumailov et al. 2021); the cost is by length."""
    own, rng = case.victim.own.rows, case.rng
    usual = float(np.mean([len(text) for text in own]))
    rows = _array([" ".join(own[rng.integers(0, len(own), 40)]) for _ in range(400)])
    dearer = float(np.mean([len(text) for text in rows])) / usual
    return Found(
        Calls(rows), "ten times the usual cost", dearer, len(rows) if dearer >= 10 else None, case.victim.ask(rows)
    )


TEXTS: Final = {
    "natural_extraction": natural_extraction,
    "nonsense_extraction": nonsense_extraction,
    "equations": equations,
    "membership_threshold": membership_threshold,
    "inversion": inversion,
    "sponge": sponge,
}
