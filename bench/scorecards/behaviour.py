"""Who is flagged, after how many queries, and what is left of an attack then: by Caponier and by others beside it.

Attacks and benign habits on real models, on held-out images. The seeds were never used while detectors were made. The
others are a rule of thumb, two published tests, and whatever is plugged in with `--with module:Class`; they judge the
same streams. See docs/explanation/behaviour-scorecard.md.
"""

import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.machinery.behaviour_pictures import Course, Line, Point, delays, suspicion
from bench.machinery.measured import say
from bench.machinery.others.judges import ALPHAS, OURS, SHOWN, USUAL, Alarm, Judged, Sighting, judged
from bench.machinery.others.references import REFERENCES, Detector, plugged
from bench.machinery.scorecard import Goal, Scorecard
from bench.machinery.streams import VICTIMS, Attacker, Outcome, Streams, streams
from bench.scorecards.promise import share_interval

SEEDS = (101, 102, 103)
ATTACKS_EACH, USERS = {"mlp": 5, "boosted": 3}, 150
QUICK_EACH, QUICK_USERS = {"mlp": 2, "boosted": 1}, 60
EVASION = ("hop_skip_jump", "boundary")
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
CAUSES = {
    "attackers_flagged_share": (
        "Natural extraction asks what customers ask, and Square wins with a single step on some images: what of them "
        "is seen, and what was tried, is said in docs/reference/detections/extraction.md and "
        "docs/reference/detections/evasion.md. Patches "
        "and triggers are for detectors that need an enriched log, and this one is not: see the scorecard "
        "patches_triggers."
    ),
}


@dataclass(frozen=True, eq=False)
class World:
    """One model with its log, and what everybody says of it."""

    log: Streams
    said: Mapping[str, Judged]


def run(quick: bool, others: Sequence[str] = (), seeds: Sequence[int] = SEEDS) -> Scorecard:
    """Attack two models a seed, and let everybody judge; quick: one seed, two attackers of each kind, fewer users.

    Args:
        quick: Do less.
        others: Detectors of third parties, as `module:Class`.
        seeds: Of the models.
    """
    seeds = tuple(seeds[:1] if quick else seeds)
    each, users = (QUICK_EACH, QUICK_USERS) if quick else (ATTACKS_EACH, USERS)
    makers = {**REFERENCES, **dict(map(plugged, others))}
    with threadpool_limits(1, user_api="blas"):
        worlds = [_world(kind, seed, users, each[kind], makers) for seed in seeds for kind in VICTIMS]
    if not quick and not others:
        draw(worlds, PICTURES)
    goals = (
        Goal("attackers_flagged_share", 1.0, at_least=True),
        Goal("evasion_flagged_share", 1.0, at_least=True),
        Goal("evasion_queries_to_first_finding_median", 12, at_least=False),
        Goal("evasion_succeeded_though_refused_share", 0.05, at_least=False),
        Goal("benign_flagged_share_worst_seed", 0.01, at_least=False),
    )
    about = (
        f"{len(seeds)} seeds and two models of scikit-learn's digits each, a network and boosted trees; for each of "
        f"them a baseline of 300 benign users with 200 different queries each, then {users} other users and "
        f"{each['mlp']} or {each['boosted']} attackers of each kind, as detection is by default. Images of the "
        "victim, the baseline, the users and the attackers are disjoint, but for the few records that customers own of "
        "the training set. attackers_* are the attacks as they are published, adaptive_* those of somebody who has "
        "read what is missed. Whoever is refused is answered up to and including the query that raised the alarm. The "
        "others judge the same streams; their thresholds are the published ones, or 1.25 times the highest score of "
        "any benign user of the baseline. Intervals are of 95 % (Clopper, Pearson 1934)."
    )
    return Scorecard("behaviour", about, figures(worlds), goals, seeds, table(worlds), CAUSES)


def _world(kind: str, seed: int, users: int, each: int, makers: Mapping[str, Callable[[], Detector]]) -> World:
    say(f"seed {seed}, {kind}: training and attacking")
    log = streams(kind, seed, users, each)
    say(f"seed {seed}, {kind}: everybody judges, and attacks again under refusal")
    with tempfile.TemporaryDirectory() as folder:
        return World(log, judged(log, Path(folder), makers))


@dataclass(frozen=True, eq=False)
class Case:
    """One attacker, and what one detector made of it."""

    attacker: Attacker
    seed: int
    victim: str
    alarm: Alarm | None
    refused: Outcome


def cases(worlds: Iterable[World], who: str) -> list[Case]:
    """Return every attacker as a detector saw it."""
    return [
        Case(
            one, world.log.seed, world.log.victim, judge.run.attackers.get(one.principal), judge.refused[one.principal]
        )
        for world in worlds
        for judge in (world.said[who],)
        for one in world.log.attackers
    ]


def figures(worlds: Sequence[World]) -> dict[str, Any]:
    """Return the figures: ours, then those of the others."""
    every = cases(worlds, OURS)
    known = [case for case in every if not case.attacker.adaptive]
    adaptive = [case for case in every if case.attacker.adaptive]
    evading = [case for case in known if case.attacker.kind in EVASION]
    first = [case.alarm.queries for case in evading if case.alarm]
    copies = [case for case in every if case.attacker.free.agreement is not None]
    told: dict[str, Any] = {
        "attackers": len(every),
        "attacks_succeeded": sum(case.attacker.free.success for case in every),
        "attackers_flagged_share": _flagged(known),
        "attackers_flagged_share_worst_seed": _worst(known, _flagged, min),
        **{f"{name}_attackers_flagged_share": _flagged(_of(known, name)) for name in VICTIMS},
        "attacks_succeeded_though_refused_share": _succeeded(known),
        "attacks_succeeded_though_refused_share_worst_seed": _worst(known, _succeeded, max),
        "evasion_flagged_share": _flagged(evading),
        "evasion_queries_to_first_finding_median": statistics.median(first) if first else None,
        "evasion_queries_to_first_finding_most": max(first, default=None),
        "evasion_succeeded_though_refused_share": _succeeded(evading),
        "adaptive_flagged_share": _flagged(adaptive),
        "adaptive_flagged_share_worst_seed": _worst(adaptive, _flagged, min),
        "adaptive_succeeded_though_refused_share": _succeeded(adaptive),
        "copies_agreement_median": _median(case.attacker.free.agreement for case in copies),
        "copies_agreement_though_refused_median": _median(case.refused.agreement for case in copies),
    }
    users, flagged = _users(worlds, OURS)
    told |= {
        "benign_users": users,
        "benign_users_flagged": flagged,
        **_interval("benign_flagged_share", flagged, users),
    }
    told["benign_flagged_share_worst_seed"] = _worst_benign(worlds, OURS)
    for name in worlds[0].said:
        if name != OURS:
            told |= {f"{name}_{figure}": value for figure, value in _reference(worlds, name).items()}
    return told


def _reference(worlds: Sequence[World], name: str) -> dict[str, Any]:
    known = [case for case in cases(worlds, name) if not case.attacker.adaptive]
    users, flagged = _users(worlds, name)
    usual = Point.of(*_at(worlds, name, USUAL))
    return {
        "attackers_flagged_share": _flagged(known),
        "attackers_flagged_share_worst_seed": _worst(known, _flagged, min),
        "queries_median": _median(case.alarm.queries for case in known if case.alarm),
        "attacks_succeeded_though_refused_share": _succeeded(known),
        "benign_users_flagged": flagged,
        **_interval("benign_flagged_share", flagged, users),
        "at_a_learned_threshold_all_attackers_flagged_share": round(usual.flagged, 4),
        "at_a_learned_threshold_benign_flagged_share": round(usual.benign, 4),
    }


def _flagged(some: Sequence[Case]) -> float:
    return round(sum(case.alarm is not None for case in some) / len(some), 4)


def _succeeded(some: Sequence[Case]) -> float:
    return round(sum(case.refused.success for case in some) / len(some), 4)


def _of(some: Iterable[Case], victim: str) -> list[Case]:
    return [case for case in some if case.victim == victim]


def _worst(some: Sequence[Case], measure: Callable[[list[Case]], float], worst: Callable[..., float]) -> float:
    return worst(measure([case for case in some if case.seed == seed]) for seed in {case.seed for case in some})


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(statistics.median(known)), 3) if known else None


def _interval(name: str, k: int, n: int) -> dict[str, float]:
    low, high = share_interval(k, n)
    return {f"{name}_low": low, f"{name}_high": high}


def _names(world: World) -> list[str]:
    return sorted(set(world.log.users["principal"].to_pylist()))


def _users(worlds: Iterable[World], who: str) -> tuple[int, int]:
    """Return how many benign users there are, and how many of them a detector flags."""
    counts = [(len(_names(world)), len(world.said[who].run.users)) for world in worlds]
    return sum(users for users, _ in counts), sum(flagged for _, flagged in counts)


def _worst_benign(worlds: Sequence[World], who: str) -> float:
    seeds = {world.log.seed for world in worlds}
    counts = [_users([world for world in worlds if world.log.seed == seed], who) for seed in seeds]
    return max(flagged / users for users, flagged in counts)


def table(worlds: Sequence[World]) -> list[dict[str, Any]]:
    """Return a row for each attack on each model, for each benign habit, and for each detector at each share flagged.

    Counts are over all seeds; `worst` is the seed in which least were flagged, or medians were largest.
    """
    others = [name for name in worlds[0].said if name != OURS]
    every = {name: cases(worlds, name) for name in worlds[0].said}
    rows = []
    for kind in dict.fromkeys(case.attacker.kind for case in every[OURS]):
        for victim in VICTIMS:
            mine = {n: [c for c in _of(some, victim) if c.attacker.kind == kind] for n, some in every.items()}
            if mine[OURS]:
                told = {name: _in_short(mine[name]) for name in others}
                rows.append({"who": kind, "victim": victim, **_attack(mine[OURS]), **told})
    return [*rows, *_habits(worlds), *_alphas(worlds)]


def _attack(mine: Sequence[Case]) -> dict[str, Any]:
    queries = [case.alarm.queries for case in mine if case.alarm]
    by_seed = [[c.alarm.queries for c in mine if c.alarm and c.seed == seed] for seed in {c.seed for c in mine}]
    return {
        "number": len(mine),
        "succeeded": sum(case.attacker.free.success for case in mine),
        "flagged": len(queries),
        "flagged_worst": min(map(len, by_seed)),
        "queries_median": _median(queries),
        "queries_median_worst": max((statistics.median(some) for some in by_seed if some), default=None),
        "queries_most": max(queries, default=None),
        "succeeded_though_refused": sum(case.refused.success for case in mine),
        "agreement": _median(case.attacker.free.agreement for case in mine),
        "agreement_though_refused": _median(case.refused.agreement for case in mine),
        "first_by": ", ".join(sorted({case.alarm.by for case in mine if case.alarm})),
    }


def _in_short(mine: Sequence[Case]) -> str:
    """Say how many are flagged, after how many queries (median), and how many succeed all the same."""
    queries = [case.alarm.queries for case in mine if case.alarm]
    after = f" at {statistics.median(queries):g}" if queries else ""
    return f"{len(queries)}{after}; {sum(case.refused.success for case in mine)} succeed"


def _habits(worlds: Sequence[World]) -> list[dict[str, Any]]:
    members = Counter(name.split("-")[0] for world in worlds for name in _names(world))

    def flagged(who: str, habit: str) -> int:
        return sum(name.split("-")[0] == habit for world in worlds for name in world.said[who].run.users)

    rows = []
    for habit, n in sorted(members.items()):
        row: dict[str, Any] = {"who": habit, "number": n, "flagged": flagged(OURS, habit)}
        row["interval"] = share_interval(row["flagged"], n)
        for name in worlds[0].said:
            if name != OURS:
                k = flagged(name, habit)
                row[name] = f"{k}; {' to '.join(f'{end:.1%}' for end in share_interval(k, n))}"
        rows.append(row)
    return rows


def _at(worlds: Sequence[World], who: str, level: int | None) -> tuple[list[int], float, float]:
    """Return the delays, the share of attackers and that of benign users flagged at a share; None: as it runs.

    An attacker who is never flagged counts with all different queries that it sent.
    """
    delay: list[int] = []
    caught = accused = users = 0
    for world in worlds:
        judge = world.said[who]
        seen: Sighting = judge.run if level is None else judge.at[level]
        for one in world.log.attackers:
            alarm = seen.attackers.get(one.principal)
            delay.append(alarm.queries if alarm else one.different)
            caught += alarm is not None
        accused, users = accused + len(seen.users), users + len(_names(world))
    return delay, caught / len(delay), accused / users


def _alphas(worlds: Sequence[World]) -> list[dict[str, Any]]:
    rows = []
    for name in worlds[0].said:
        for level, alpha in enumerate(ALPHAS):
            point = Point.of(*_at(worlds, name, level))
            rows.append(
                {
                    "who": name,
                    "alpha": alpha,
                    "flagged_share": round(point.flagged, 4),
                    "delay_median": point.delay,
                    "benign_flagged_share": round(point.benign, 4),
                }
            )
    return rows


def draw(worlds: Sequence[World], folder: Path) -> None:
    """Write the pictures: delay against false alarms, and suspicion over queries."""
    seeds = list(dict.fromkeys(world.log.seed for world in worlds))
    lines = []
    for name in worlds[0].said:
        at = [Point.of(*_at(worlds, name, level)) for level in range(len(ALPHAS))]
        as_run = Point.of(*_at(worlds, name, None))
        lines.append(Line(name, at, None if as_run == at[USUAL] else as_run))
    folder.mkdir(exist_ok=True)
    (folder / "behaviour-delay.svg").write_text(delays(lines, seeds), encoding="utf-8")
    network = [world for world in worlds if world.log.victim == VICTIMS[0]]
    curves: dict[str, list[Any]] = {}
    benign: list[Any] = []
    for world in network:
        known = world.said[OURS].curves
        benign += [_filled(known[name]) for name in _names(world)]
        for one in world.log.attackers:
            curves.setdefault(one.kind, []).append(_filled(known[one.principal]))
    band = np.quantile(benign, 0.99, axis=0)
    courses = [Course(kind, np.median(some, axis=0)) for kind, some in curves.items()]
    (folder / "behaviour-suspicion.svg").write_text(suspicion(courses, band, seeds), encoding="utf-8")


def _filled(curve: Any) -> Any:
    """Let the highest score stand where a caller asked no more."""
    return np.concatenate([curve, np.full(SHOWN - len(curve), curve[-1])])
