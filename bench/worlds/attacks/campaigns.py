"""The attackers of a world: each attack in its plain form, slowly, and mixed with ordinary queries."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.attacks.case import Attack, Case, Found
from bench.worlds.habits.anyone import plain
from bench.worlds.habits.ground import Ground
from bench.worlds.traffic import Part, part
from bench.worlds.victims import Victim

FORMS: Final = ("plain", "slow", "mixed")
KINDS: Final = {
    "toolbox": "evasion",
    "of_foolbox": "evasion",
    "by_scores": "evasion",
    "by_decisions": "evasion",
    "substitution": "evasion",
    "extraction": "extraction",
    "path_finding": "extraction",
    "privacy": "privacy",
    "probing": "probing",
    "of_texts": "extraction",
}
"""Where attacks stand, and of what kind they are: each module has a table by the kind of the inputs."""
OTHER: Final = {
    "natural_extraction": "natural",
    "membership_threshold": "privacy",
    "inversion": "privacy",
    "sponge": "probing",
}
"""Attacks of another kind than those beside them."""
ENOUGH: Final = 300
"""Queries after which an attacker of single rows has enough."""
MOST_ROWS: Final = 12
HIDDEN: Final = ("natural_extraction", "jbda", "membership_threshold", "flood", "schema_probing", "nes", "few_columns")
"""Attacks that hide in a calibration: those that cost little to make, where the world has them."""


@dataclass(frozen=True, eq=False)
class Run:
    """The calls of an attacker, and what a campaign says of them."""

    part: Part
    told: Mapping[str, Any]


def attacks(kind: str) -> dict[str, tuple[str, Attack]]:
    """Return the attacks on a model of inputs of a kind, as name: (kind of attack, attack)."""
    table = {"image": "PICTURES", "numeric": "TABLES", "categorical": "CATEGORIES", "text": "TEXTS"}[kind]
    found: dict[str, tuple[str, Attack]] = {}
    for name, of in KINDS.items():
        module = import_module(f"bench.worlds.attacks.{name}")
        own = getattr(module, table, {})
        found |= {attack: (OTHER.get(attack, of), run) for attack, run in own.items()}
    return found


def campaigns(victim: Victim, rng: np.random.Generator, each: int, time: tuple[float, float]) -> list[Run]:
    """Run each attack `each` times, in one form after the other."""
    found = []
    for name, (kind, attack) in attacks(victim.spec.kind).items():
        for turn in range(each):
            own = np.random.default_rng(rng.integers(2**63))
            found.append(_run(name, kind, attack, Case(victim, own), FORMS[turn % len(FORMS)], time))
    return found


def cheap(victim: Victim, rng: np.random.Generator, n: int, time: tuple[float, float]) -> list[Run]:
    """Run n attacks, drawn from those that are quick to make."""
    known = attacks(victim.spec.kind)
    names = [name for name in HIDDEN if name in known]
    found = []
    for name in rng.choice(names, n):
        kind, attack = known[name]
        own = np.random.default_rng(rng.integers(2**63))
        found.append(_run(str(name), kind, attack, Case(victim, own), FORMS[rng.integers(3)], time))
    return found


def _run(name: str, kind: str, attack: Attack, case: Case, form: str, time: tuple[float, float]) -> Run:
    found = repeated(attack, case) if kind == "evasion" else attack(case)
    found = mixed(found, case) if form == "mixed" else found
    since, days = time
    rhythm = {"plain": "burst", "slow": "steady", "mixed": "visits"}[form]
    calls = replace(found.calls, rhythm=rhythm)
    done = part(calls, days, since, case.rng, scores=found.scores)
    told = {
        "name": name, "kind": kind, "form": form, "principal": done.principal, "events": len(calls.rows),
        "succeeded": found.queries is not None, "queries_to_success": found.queries, "goal": found.goal,
        "figure": float(found.figure), "needs_training_rows": kind == "privacy",
    }  # fmt: skip
    return Run(done, told)


def repeated(attack: Attack, case: Case) -> Found:
    """Go on to other rows where one took few queries: nobody sets out for a single one.

    The first row that is answered wrongly counts.
    """
    done = [attack(case)]
    while sum(len(one.calls.rows) for one in done) < ENOUGH and len(done) < MOST_ROWS:
        done.append(attack(case))
    begins = np.cumsum([0] + [len(one.calls.rows) for one in done])
    hits = [at for at, one in enumerate(done) if one.queries is not None]
    rows = np.concatenate([one.calls.rows for one in done])
    best = done[hits[0] if hits else 0]
    scores = np.concatenate([one.scores for one in done if one.scores is not None])
    queries = int(begins[hits[0]]) + int(best.queries or 0) if hits else None
    return replace(best, calls=replace(best.calls, rows=rows), scores=scores, queries=queries)


def mixed(found: Found, case: Case) -> Found:
    """Hide queries among ordinary ones, one for each or so; queries are counted with them from then on."""
    n, rng = len(found.calls.rows), case.rng
    others = max(1, int(min(2_000, n * rng.uniform(0.3, 1.2))))
    ground = Ground.of(case.victim, case.victim.own)
    padding = plain(ground, rng, others)
    place = np.sort(rng.permutation(n + others)[:n])
    own = np.zeros(n + others, bool)
    own[place] = True
    rows = _merged(found.calls.rows, padding.rows, own)
    columns = {
        name: _merged(given, np.full(others, usual, np.asarray(given).dtype), own)
        for name, usual in (("operation", "predict"), ("status", 200), ("length", -1))
        if (given := getattr(found.calls, name)) is not None
    }
    scores = None if found.scores is None else _merged(found.scores, case.victim.ask(padding.rows), own)
    queries = None if found.queries is None else int(place[found.queries - 1]) + 1
    return replace(found, calls=replace(found.calls, rows=rows, **columns), scores=scores, queries=queries)


def _merged(one: NDArray[Any], other: NDArray[Any], own: NDArray[np.bool_]) -> Any:
    found = np.empty((len(own), *one.shape[1:]), one.dtype)
    found[own], found[~own] = one, other
    return found
