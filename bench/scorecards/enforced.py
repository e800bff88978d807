"""What an attacker gets of a guard that enforces, and what benign callers lose by it.

It is `caponier validate --mode enforce` with more images and callers.
"""

from dataclasses import asdict
from typing import Any, Final

from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.validate.enforced import QUERIES, validate_enforced
from caponier.app.validate.lab.proving_ground import Scale

HELD: Final = ("hop_skip_jump", "boundary", "simba")
BESIDE: Final = ("square", "nes", "adaptive")
"""Without a goal: they ask less like an attacker, or for longer."""
EACH: Final = 31
"""Targets of each attack in a world; of those beside them a third."""


def run(quick: bool) -> Scorecard:
    """Attack and ask in three worlds; quickly in one, with fewer targets and callers."""
    seeds, each, users = ((1,), 8, 17) if quick else ((1, 2, 3), EACH, 51)
    turns = dict.fromkeys(HELD, each) | dict.fromkeys(BESIDE, -(-each // 3))
    found = validate_enforced(turns, scale=Scale(seeds=seeds, queries=QUERIES), users=users)
    figures: dict[str, Any] = {}
    for one in found.attacks:
        figures[f"{one.name}_targets"] = one.targets
        figures[f"{one.name}_success"] = round(one.success, 4)
        figures[f"{one.name}_answers_before_refusal"] = one.answers
    figures |= {f"benign_{what}": n for what, n in asdict(found.benign).items()}
    goals = [Goal(f"{name}_success", 0.05, at_least=False) for name in HELD]
    about = (
        "caponier guard in enforce mode with the playbook that ships, before scikit-learn's digits; a baseline of "
        f"{Scale().users} benign callers in each of {len(seeds)} worlds. Success is an image that is misread, by the "
        "attack's own measure, before the guard refuses. Benign callers have every habit that there is, at their own "
        f"pace within a week, {QUERIES} different queries each."
    )
    rows = [
        {"attack": run.attack, "world": run.seed, "turn": run.turn, "success": int(run.success)}
        | {"answers": run.answers, "refused": int(run.refused)}
        for run in found.runs
    ]
    return Scorecard("enforced", about, figures, (*goals, Goal("benign_refused", 0, at_least=False)), seeds, rows)
