"""Who flags whom on the streams of one model: Caponier by its own scan, the others by their scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery import traffic
from bench.machinery.others.references import Detector, learned_threshold, maxima, scored
from bench.machinery.streams import Outcome, Queries, Streams
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.load import lacking, load_events, seeing
from caponier.app.inference.plan import DetectionSettings, Diagnostics, plan_for
from caponier.app.planting.scan import scan_planted
from caponier.app.progress import Silent
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.judging import ALPHA
from caponier.detect.detector import Subject
from caponier.detect.registry import event_detectors
from caponier.engines.local import suspicion
from caponier.engines.spool import Spool
from caponier.records.inventory import Workspace
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

ALPHAS: Final = (0.001, 0.003, ALPHA, 0.03, 0.1)
"""Shares of benign callers that may be flagged. The others have one threshold, which stands at each of them."""
USUAL: Final = 2
"""Place of the default among them."""
OURS: Final = "caponier"
SHOWN: Final = 200
"""Different queries that a curve of suspicion shows."""


@dataclass(frozen=True)
class Alarm:
    """The first alarm on an attacker.

    Args:
        queries: Different ones that it had sent, that which raised the alarm included.
        requests: With repeats.
        by: Which of several detectors it was.
    """

    queries: int
    requests: int
    by: str = ""


@dataclass(frozen=True)
class Sighting:
    """What one detector says of a log at one threshold."""

    attackers: Mapping[str, Alarm]
    users: frozenset[str]


@dataclass(eq=False)
class Judged:
    """What one detector says at the threshold that it runs with, and at each of `ALPHAS`."""

    run: Sighting
    at: Sequence[Sighting]
    refused: dict[str, Outcome] = field(default_factory=dict)
    """What becomes of each attacker who is refused at the first alarm."""
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """Highest score so far over what an alarm takes at that age, query by query, of each caller."""


def judged(log: Streams, home: Path, others: Mapping[str, Callable[[], Detector]]) -> dict[str, Judged]:
    """Let everybody judge a log, and refuse the attackers as each of them would.

    Args:
        log: Benign users and attackers.
        home: A folder for files.
        others: Detectors beside Caponier.
    """
    workspace = require_workspace(create_workspace(home))
    traffic.write_sorted([log.benign], home / "benign.parquet")
    training = log.training if len(log.training) else None
    baseline = build_baseline([home / "benign.parquet"], workspace=workspace, spec=log.spec, training_set=training)
    found = {OURS: _ours(log, home, workspace, baseline.baseline)}
    benign, users = Queries.of(log.benign), Queries.of(log.users)
    attackers = {one.principal: Queries.of(one.events) for one in log.attackers}
    for name, make in others.items():
        found[name] = _other(make(), benign, users, attackers)
    for one in log.attackers:
        # Who is refused after as many answers gets the same answers.
        known: dict[int, Outcome] = {}
        for judge in found.values():
            alarm = judge.run.attackers.get(one.principal)
            if alarm and alarm.requests not in known:
                known[alarm.requests] = one.again(alarm.requests)
            judge.refused[one.principal] = known[alarm.requests] if alarm else one.free
    return found


def _ours(log: Streams, home: Path, workspace: Workspace, baseline: Baseline) -> Judged:
    """Scan the log with everybody in it once, and judge it at every share."""
    path = home / "log.parquet"
    traffic.write_sorted([log.users, *(one.events for one in log.attackers)], path)
    seen = scan_planted([path], DetectionSettings.of(workspace, baseline), ALPHAS)
    asked = {one.principal: Queries.of(one.events) for one in log.attackers}
    users = set(log.users["principal"].to_pylist())
    known = event_detectors()
    at = []
    for alarms in seen.alarms:
        first: dict[str, Alarm] = {}
        for alarm in sorted(alarms, key=lambda alarm: (alarm.moment, alarm.detector)):
            # Whoever is only named among many who ask for like things is not counted as caught, but as accused.
            if known[alarm.detector].subject is not Subject.BUCKET:
                for who in alarm.accused & asked.keys():
                    first.setdefault(who, _alarm(asked[who], alarm.moment, alarm.detector))
        accused = frozenset[str]().union(*(alarm.accused for alarm in alarms)) & users
        at.append(Sighting(first, accused))
    return Judged(at[USUAL], at, curves=_curves(path, DetectionSettings.of(workspace, baseline)))


def _curves(path: Path, terms: DetectionSettings) -> dict[str, NDArray[np.float64]]:
    """Return how close each caller has come to an alarm at the usual share, as the same scan sees it.

    Of detectors that count events the age is taken in different queries, too.
    """
    with Spool() as spool:
        (summary,) = load_events(spool, [path], RejectedRows(), Silent(), salt=terms.salt)
        section = terms.section(summary.model, summary.version)
        assert section is not None
        able, _ = seeing(lacking(summary, terms.detectors, section.spec)[0], section.spec)
        encoder = Encoder(section.spec, section.knots)
        case = plan_for(Diagnostics(), summary.model, summary.version, encoder, able, terms)
        assert case is not None
        courses = suspicion(spool, case.plan)
    ages = np.arange(1, SHOWN + 1)
    needed = {line.name: np.maximum(1.0, line.needed_at(case.plan.level, ages)) for line in case.plan.lines}
    curves = {}
    for course in courses:
        scores = [own[:SHOWN] / needed[name][: len(own)] for name, own in course.scores.items()]
        curves[course.subject] = np.maximum.accumulate(np.max(scores, axis=0))
    return curves


def _alarm(asked: Queries, moment: int, by: str) -> Alarm:
    queries = int((asked.times <= moment).sum())
    return Alarm(queries, int(asked.requests[queries - 1]), by)


def _other(detector: Detector, benign: Queries, users: Queries, attackers: Mapping[str, Queries]) -> Judged:
    """Score benign users together, and each attacker alone: two who attack the same picture must not give each other
    away."""
    learned = learned_threshold(detector, benign)
    best = maxima(users, detector)
    scores = {who: scored(asked, detector) for who, asked in attackers.items()}

    def seen(line: float) -> Sighting:
        first = {who: int(np.argmax(own > line)) for who, own in scores.items() if (own > line).any()}
        alarms = {who: Alarm(at + 1, int(attackers[who].requests[at])) for who, at in first.items()}
        return Sighting(alarms, frozenset(who for who, highest in best.items() if highest > line))

    usual, limit = seen(learned), getattr(detector, "limit", None)
    return Judged(usual if limit is None else seen(limit), [usual] * len(ALPHAS))
