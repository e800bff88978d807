"""Put together what a demo showed: what those who acted know of it, and what the scan saw."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caponier.app.inference.baseline.build import BaselineReport
from caponier.app.inference.baseline.story import TYPICAL, stories
from caponier.app.inference.scan import ScanReport
from caponier.demo.clients import AttackJob, AttackResult
from caponier.demo.keys import principal
from caponier.demo.replay import Replay
from caponier.demo.result import Attacker, Certainty, HabitShare, Traffic
from caponier.detect.calibration.baseline import Baseline
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import Population, Visit
from caponier.records.accused import accused


@dataclass(frozen=True, eq=False)
class Day:
    """The traffic that is scanned, as those who made it know it."""

    population: Population
    visits: tuple[Visit, ...]
    jobs: tuple[AttackJob, ...]
    results: list[AttackResult]


def traffic(visits: Sequence[Visit]) -> Traffic:
    """Add up what users got."""
    return Traffic(len(visits), sum(visit.requests for visit in visits), sum(visit.rows for visit in visits))


def attackers(day: Day, report: ScanReport, seen: Replay) -> tuple[Attacker, ...]:
    """Return each attacker with the attack's outcome and when it was noticed."""
    numbers: Counter[str] = Counter()
    found = []
    for job, result in zip(day.jobs, day.results, strict=True):
        numbers[job.emulation] += 1
        title = title_of(job.emulation)
        if sum(other.emulation == job.emulation for other in day.jobs) > 1:
            title = f"{title} {numbers[job.emulation]}"
        found.append(_attacker(job, result, title, report, seen))
    return tuple(found)


def title_of(emulation: str) -> str:
    """Return what an attack is called for people."""
    return (attacks() | campaigns())[emulation].description.partition(":")[0]


def benign(day: Day, report: ScanReport, seen: Replay) -> tuple[HabitShare, ...]:
    """Return the benign users, habit by habit."""
    flagged = {who for finding in report.findings for who in accused(finding)}
    names = sorted({member.habit.name for member in day.population.members})
    return tuple(_habit_share(name, day, flagged, seen) for name in names)


def certainty(baseline: Baseline, seen: Replay) -> Certainty:
    """Say what the thresholds rest on."""
    (story,) = stories(baseline)
    return Certainty(
        principals=story.section.principals,
        alpha=story.section.alpha,
        expected=story.expected,
        thresholds={name: float(needed[TYPICAL - 1]) for name, needed in seen.thresholds.items()},
        promise=story.promise,
    )


def skipped(learned: BaselineReport, report: ScanReport) -> tuple[str, ...]:
    """List what was not used, and why: in a demo nothing should be."""
    listed = [str(skip) for skip in (*learned.skipped, *report.skipped)]
    rejected = learned.rejected.count + report.rejected.count
    return (*listed, f"{rejected} rows of the logs") if rejected else tuple(listed)


def _attacker(job: AttackJob, result: AttackResult, title: str, report: ScanReport, seen: Replay) -> Attacker:
    who = principal(job.key) or job.key
    own = [finding for finding in report.findings if finding.subject.id == who]
    noticed: dict[str, int] = {}
    for finding in sorted(own, key=lambda one: one.unique_queries):
        noticed.setdefault(finding.detector, finding.unique_queries)
    return Attacker(
        principal=who,
        emulation=job.emulation,
        title=title,
        outcome=result.outcome,
        attempts=result.attempts,
        queries=result.queries,
        began=result.began,
        noticed=dict(sorted(noticed.items(), key=lambda item: (item[1], item[0]))),
        findings=len(own),
    )


def _habit_share(name: str, day: Day, flagged: set[str], seen: Replay) -> HabitShare:
    pairs = [
        (member, visit)
        for member, visit in zip(day.population.members, day.visits, strict=True)
        if member.habit.name == name
    ]
    who = [principal(member.principal) or "" for member, _ in pairs]
    highest = {
        detector: max(float(seen.shares(one, detector).max(initial=0)) for one in who) for detector in seen.thresholds
    }
    return HabitShare(
        habit=name,
        description=pairs[0][0].habit.description,
        traffic=traffic([visit for _, visit in pairs]),
        flagged=sum(one in flagged for one in who),
        refused=sum(visit.refused for _, visit in pairs),
        latency_ms=float(np.median([seen.latency_ms[one] for one in who])),
        highest=highest,
    )
