"""Evasion by exchanging what cannot be moved a little: categories of a row, words of a text."""

from typing import Any, Final

import numpy as np

from bench.worlds.attacks.case import CLEAR, Case, Found
from bench.worlds.attacks.oracle import Oracle, until_spent

FEW: Final = 5
"""Most fields of an application that may be changed."""
SHARE: Final = 0.25
"""Most words of a text that may be exchanged or added."""


def _row(case: Case, of: int) -> Any:
    """Return a row of the attacker's that is answered with the class it does not want."""
    own = case.victim.own
    clear = case.victim.ask(own.rows)[:, of] >= CLEAR
    return own.rows[int(case.rng.choice(np.flatnonzero(clear & (own.labels == of))))]


def _field_ways(case: Case, oracle: Oracle, *, all_values: bool, by_label: bool) -> Found:
    """Change a rejected application field by field; without scores, at random and then back."""
    row = _row(case, 1)
    best = row.copy()
    with until_spent():
        last = float(oracle.ask_raw(row[None])[0, 1])
        if by_label:
            return _by_label(case, oracle, row)
        for _ in range(FEW):
            tries: list[Any] = []
            for column in case.rng.permutation(len(row)):
                known = case.victim.values[column]
                few = known if all_values and len(known) < 12 else case.rng.choice(known, min(3, len(known)))
                for value in few:
                    if value != best[column]:
                        tries.append(best.copy())
                        tries[-1][column] = value
            bad = np.concatenate([oracle.ask_raw(one[None]) for one in tries])[:, 1]
            if bad.min() >= last:
                break
            best, last = tries[int(bad.argmin())], float(bad.min())
            if last < 0.5:
                break
    return _judged(oracle, row)


def _by_label(case: Case, oracle: Oracle, row: Any) -> Found:
    with until_spent():
        while True:
            tried = row.copy()
            for column in case.rng.permutation(len(row))[:FEW]:
                tried[column] = case.rng.choice(case.victim.values[column])
            if oracle.ask_raw(tried[None])[0].argmax() == 0:
                break
    return _judged(oracle, row)


def _judged(oracle: Oracle, row: Any) -> Found:
    rows, scores = oracle.record()
    changed = (rows != row).sum(axis=1)
    hits = np.flatnonzero((scores.argmax(axis=1) == 0) & (changed <= FEW))
    figure = float(changed[hits].min()) if len(hits) else float("inf")
    return Found.of(oracle, f"accepted by {FEW} fields", figure, int(hits[0]) + 1 if len(hits) else None)


def greedy_fields(case: Case) -> Found:
    """Try every value of every field and keep the best, field after field (Yang et al. 2020, greedy)."""
    return _field_ways(case, case.oracle(600), all_values=True, by_label=False)


def sampled_fields(case: Case) -> Found:
    """Try some values of each field and keep the best."""
    return _field_ways(case, case.oracle(400), all_values=False, by_label=False)


def blind_fields(case: Case) -> Found:
    """Change five fields at random until it is accepted, by labels alone."""
    return _field_ways(case, case.oracle(400), all_values=False, by_label=True)


def _words(case: Case) -> tuple[list[str], list[str]]:
    text = str(_row(case, 1))
    own = case.victim.own
    friendly = [text for text, label in zip(own.rows, own.labels, strict=True) if not label]
    words = " ".join(case.rng.choice(np.array(friendly, object), 60)).split()
    return text.split(), words


def _passed(oracle: Oracle, most: int, figure: float) -> Found:
    _, scores = oracle.record()
    hits = np.flatnonzero(scores.argmax(axis=1) == 0)
    queries = int(hits[0]) + 1 if len(hits) else None
    return Found.of(oracle, f"spam passes with {most} words changed", figure, queries)


def important_words(case: Case) -> Found:
    """Leave each word out to see which count, and exchange these first (Gao et al. 2018; Jin et al. 2020)."""
    oracle = case.oracle(800, lambda _, label: label == 0)
    words, friendly = _words(case)
    most, changed = int(SHARE * len(words)), 0
    with until_spent():
        last = _spam(oracle, words)
        without = [_spam(oracle, words[:at] + words[at + 1 :]) for at in range(len(words))]
        for at in np.argsort(without)[:most]:
            for word in case.rng.choice(friendly, 5):
                tried = [*words[:at], str(word), *words[at + 1 :]]
                score = _spam(oracle, tried)
                if score < last:
                    words, last, changed = tried, score, changed + 1
                    break
    return _passed(oracle, most, changed)


def exchanged_words(case: Case) -> Found:
    """Exchange words at random and keep what helps (Kuleshov et al. 2018, without a language model)."""
    oracle = case.oracle(800, lambda _, label: label == 0)
    words, friendly = _words(case)
    most, changed = int(SHARE * len(words)), 0
    with until_spent():
        last = _spam(oracle, words)
        for at in np.resize(case.rng.permutation(len(words))[:most], 4 * most):
            for word in case.rng.choice(friendly, 2):
                tried = [*words[:at], str(word), *words[at + 1 :]]
                score = _spam(oracle, tried)
                if score < last:
                    words, last, changed = tried, score, changed + 1
    return _passed(oracle, most, changed)


def good_words(case: Case) -> Found:
    """Append words of good mail in lots, and keep the lots that help (Lowd and Meek 2005)."""
    oracle = case.oracle(500, lambda _, label: label == 0)
    words, friendly = _words(case)
    most = 2 * len(words)
    added = 0
    with until_spent():
        last = _spam(oracle, words)
        while added < most:
            lot = [str(word) for word in case.rng.choice(friendly, max(1, most // 8))]
            score = _spam(oracle, words + lot)
            if score < last:
                words, last, added = words + lot, score, added + len(lot)
    return _passed(oracle, most, float(added))


def misspelt(case: Case) -> Found:
    """Exchange two letters of a word after the other and keep what helps, as DeepWordBug does (Gao et al. 2018)."""
    oracle = case.oracle(500, lambda _, label: label == 0)
    words, _ = _words(case)
    most, changed = int(2 * SHARE * len(words)), 0
    with until_spent():
        last = _spam(oracle, words)
        for at in case.rng.permutation(len(words)):
            letters = list(words[at])
            place = int(case.rng.integers(len(letters) - 1)) if len(letters) > 1 else 0
            letters[place : place + 2] = letters[place : place + 2][::-1]
            tried = [*words[:at], "".join(letters), *words[at + 1 :]]
            score = _spam(oracle, tried)
            if score < last:
                words, last, changed = tried, score, changed + 1
            if changed == most:
                break
    return _passed(oracle, most, changed)


def _spam(oracle: Oracle, words: list[str]) -> float:
    return float(oracle.ask_raw(np.array([" ".join(words)], object))[0, 1])


CATEGORIES: Final = {
    "greedy_fields": greedy_fields,
    "sampled_fields": sampled_fields,
    "blind_fields": blind_fields,
}
TEXTS: Final = {
    "important_words": important_words,
    "exchanged_words": exchanged_words,
    "good_words": good_words,
    "misspelt": misspelt,
}
