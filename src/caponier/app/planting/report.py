"""What a validation on the user's own log shows: who would be caught, how early, for how many false alarms."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caponier.app.planting.planted_log import PlantedAttacker
from caponier.app.planting.scan import Alarm, PlantedScan
from caponier.records.skip import Skip

SCHEMA: Final = "caponier.own_log/1"
WIDTH: Final = 1.959964
"""Standard errors of a 95 % interval."""


@dataclass(frozen=True)
class KindShown:
    """What is shown of one kind of attack.

    Args:
        kind: Its name.
        planted: Attackers.
        succeeded: Those who reached what they wanted, by the attack's own measure.
        caught: How many were, at each share of benign callers.
        queries: Different queries up to the first alarm of each who was caught, at the share that was asked for.
        first_by: Who raised the first alarm, and how often.
        without: How many were caught where the log lacks a column, at the share that was asked for.
    """

    kind: str
    planted: int
    succeeded: int
    caught: tuple[int, ...]
    queries: tuple[int, ...]
    first_by: Mapping[str, int]
    without: Mapping[str, int]

    @property
    def median(self) -> float | None:
        """Of the queries up to the first alarm."""
        return statistics.median(self.queries) if self.queries else None


@dataclass(frozen=True)
class AlphaShown:
    """What a share of benign callers that may be flagged costs.

    Args:
        alpha: The share.
        alerts: Alerts about the user's own callers.
        flagged: Own callers whom they are about.
    """

    alpha: float
    alerts: int
    flagged: int


@dataclass(frozen=True)
class Gap:
    """A column that the log lacks, what to switch on, and the detectors that would speak then."""

    advice: str
    detectors: tuple[str, ...]


@dataclass(frozen=True)
class OwnLogReport:
    """What a validation on the user's own log shows."""

    model: str
    attacked: str
    """What was: a surrogate, or a URL."""
    agreement: float
    """Share of the log's answers that it gives, too."""
    learned: int
    """Callers whom the baseline was built from; 0 if it was there already."""
    scanned: int
    """Own callers among whom attackers were planted."""
    alpha: float
    """Share of benign callers that may be flagged, as it was asked for."""
    kinds: tuple[KindShown, ...]
    alphas: tuple[AlphaShown, ...]
    """In rising order."""
    removed: Mapping[str, int | None]
    """Own callers flagged where the log lacks a column; None if nothing can be seen then."""
    detectors: tuple[str, ...]
    lacking: tuple[Gap, ...]
    skipped: tuple[Skip, ...]
    notes: tuple[str, ...]
    rejected: int
    seconds: float

    @property
    def asked(self) -> int:
        """Place of the share that was asked for."""
        return [one.alpha for one in self.alphas].index(self.alpha)

    @property
    def missed(self) -> tuple[KindShown, ...]:
        """Kinds of which not everybody was caught."""
        return tuple(one for one in self.kinds if one.caught[self.asked] < one.planted)

    def to_dict(self) -> dict[str, Any]:
        """Return the document `caponier.own_log/1`."""
        alphas = [f"{one.alpha:g}" for one in self.alphas]
        return {
            "schema": SCHEMA,
            "model": self.model,
            "attacked": {"what": self.attacked, "agreement": round(self.agreement, 4)},
            "callers": {"learned": self.learned, "scanned": self.scanned},
            "alpha": self.alpha,
            "kinds": [_kind(one, alphas, self.asked) for one in self.kinds],
            "false_alerts": [_share(one, self.scanned) for one in self.alphas],
            "without": {
                name: None
                if flagged is None
                else {"caught": {one.kind: one.without[name] for one in self.kinds}, "users_flagged": flagged}
                for name, flagged in self.removed.items()
            },
            "detectors": list(self.detectors),
            "lacking": [{"advice": one.advice, "detectors": list(one.detectors)} for one in self.lacking],
            "skipped": [skip.to_dict() for skip in self.skipped],
            "notes": list(self.notes),
            "rejected": {"rows": self.rejected},
            "seconds": round(self.seconds, 1),
        }


def _kind(one: KindShown, alphas: Sequence[str], asked: int) -> dict[str, Any]:
    low, high = interval(one.caught[asked], one.planted)
    return {
        "kind": one.kind,
        "planted": one.planted,
        "succeeded": one.succeeded,
        "caught": one.caught[asked],
        "recall": round(one.caught[asked] / one.planted, 4),
        "recall_95": [round(low, 4), round(high, 4)],
        "queries_median": one.median,
        "queries_most": max(one.queries, default=None),
        "first_by": dict(one.first_by),
        "caught_at": dict(zip(alphas, one.caught, strict=True)),
    }


def _share(one: AlphaShown, scanned: int) -> dict[str, Any]:
    return {"alpha": one.alpha, "alerts": one.alerts, "users_flagged": one.flagged, "of": scanned}


def interval(seen: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share after Wilson (1927); `of` must be above 0."""
    share, spread = seen / of, WIDTH**2 / of
    middle, half = share + spread / 2, WIDTH * (share * (1 - share) / of + spread / (4 * of)) ** 0.5
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def shown_of_kinds(
    planted: Sequence[PlantedAttacker], scanned: PlantedScan, asked: int, removed: Mapping[str, PlantedScan]
) -> tuple[KindShown, ...]:
    """Tally attackers by kind.

    Args:
        planted: All of them.
        scanned: What was seen with all columns, at each share of benign callers.
        asked: Place of the share that was asked for.
        removed: What was seen at that share alone where the log lacks a column.
    """
    firsts = [_firsts(planted, alarms) for alarms in scanned.alarms]
    others = {name: _firsts(planted, seen.alarms[0]) for name, seen in removed.items()}
    shown = []
    for kind in dict.fromkeys(one.run.kind for one in planted):
        mine = [one for one in planted if one.run.kind == kind]
        names = {one.name for one in mine}
        seen = [firsts[asked][one.name] for one in mine if one.name in firsts[asked]]
        shown.append(
            KindShown(
                kind,
                len(mine),
                sum(one.run.success for one in mine),
                tuple(len(names & found.keys()) for found in firsts),
                tuple(sorted(queries for queries, _ in seen)),
                dict(Counter(detector for _, detector in seen).most_common()),
                {name: len(names & found.keys()) for name, found in others.items()},
            )
        )
    return tuple(shown)


def _firsts(planted: Sequence[PlantedAttacker], alarms: Sequence[Alarm]) -> dict[str, tuple[int, str]]:
    """Return the different queries of each attacker up to the first alarm about it, and who raised that."""
    by_subject = {subject: one for one in planted for subject in one.subjects}
    first: dict[str, tuple[int, str]] = {}
    for alarm in sorted(alarms, key=lambda alarm: alarm.moment):
        for name in alarm.accused & by_subject.keys():
            one = by_subject[name]
            # What sets off an alarm about like queries of many may be another one's.
            first.setdefault(one.name, (max(1, one.asked_until(alarm.moment)), alarm.detector))
    return first


def false_alerts(planted: Sequence[PlantedAttacker], alarms: Sequence[Alarm]) -> tuple[int, int]:
    """Count the alerts that are about nobody who was planted, and the callers whom they are about."""
    attackers = {subject for one in planted for subject in one.subjects}
    false = [alarm for alarm in alarms if not alarm.accused & attackers]
    return len(false), len(frozenset().union(*(alarm.accused for alarm in false)))
