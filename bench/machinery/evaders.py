"""The attackers of the evasion scorecard: who they are, how they attack, and how they fare if they are refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bench.machinery.measured import say
from bench.machinery.refusal import WHY, Refusing
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.plan import DetectionSettings
from caponier.detect.calibration.baseline import Baseline
from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import Predict, RefusedError
from caponier.emulate.disguises.accounts import Splitting, Switching
from caponier.emulate.disguises.padding import Duplicates, Natural
from caponier.emulate.evasion.adaptive import Adaptive
from caponier.emulate.evasion.boundary import Boundary
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.evasion.nes import NES
from caponier.emulate.evasion.simba import SimBA
from caponier.emulate.evasion.square import Square
from caponier.emulate.images import Images
from caponier.emulate.outcome import Within
from caponier.emulate.simulation.trace import EPOCH, Disguise, Trace, trace
from caponier.emulate.victims.digits import Pool, Victim
from caponier.records.finding import Finding

TARGETS, FEWER = 20, 5
"""Images under attack, a seed, of the main attacks and of their variants."""
ACCOUNTS: Final = 10
MAIN: Final = ("hop_skip_jump", "boundary", "simba", "square", "nes")


@dataclass(frozen=True, eq=False)
class Case:
    """One way to attack."""

    name: str
    attack: Attack
    disguise: Disguise | None = None
    accounts: int = 1
    natural: bool = False
    """Whether it starts from a picture of another class; else from what the attack finds for itself."""
    each: int = FEWER


@dataclass(eq=False)
class Run:
    """One attack, its events, and what was seen of it."""

    case: Case
    seed: int
    target: int
    left: Trace
    accounts: list[str] = field(default_factory=list)
    detector: str | None = None
    queries: int | None = None
    """Different queries of the account that raised the first alarm, up to it."""
    refused_success: bool | None = None


def cases(pictures: Images, quick: bool) -> Iterator[Case]:
    """Yield every way to attack.

    Args:
        pictures: What the attacker has of its own, shape (m, 64).
        quick: Leave most of them out.
    """
    main: dict[str, Attack] = {attack.name: attack for attack in (HopSkipJump(), Boundary(), SimBA(), Square(), NES())}
    for name in MAIN:
        yield Case(name, main[name], each=FEWER if quick else TARGETS)
    yield Case("adaptive", Adaptive(pictures=pictures), natural=True, each=FEWER if quick else TARGETS)
    for name in ("hop_skip_jump", "boundary"):
        yield Case(f"{name} from a picture", main[name], natural=True)
    yield Case("simba in waves", SimBA(basis="dct"))
    yield Case("square within 0.1", Square(within=Within("linf", 0.1)))
    yield Case("nes with wide clouds", NES(sigma=0.1))
    mixed = partial(Natural, images=pictures, seed=0)
    for name in MAIN[2:] if quick else MAIN:
        yield Case(f"{name}, each query four times", main[name], Duplicates)
        yield Case(f"{name}, mixed 1:1 with photos", main[name], mixed)
        yield Case(f"{name}, over {ACCOUNTS} accounts", main[name], Splitting, ACCOUNTS)


def attacked(case: Case, victim: Victim, originals: Pool, seed: int, target: int) -> Run:
    name = f"{case.name.replace(' ', '_')}-{target}"
    left = _trace(case, victim.predict_proba, originals, seed, target, case.disguise, name)
    names = [name] if case.accounts == 1 else [f"{name}-{number}" for number in range(case.accounts)]
    return Run(case, seed, target, left, names)


def _trace(
    case: Case, predict: Predict, originals: Pool, seed: int, target: int, disguise: Disguise | None, name: str
) -> Trace:
    return trace(
        case.attack,
        predict,
        originals.images[target],
        int(originals.labels[target]),
        seed=seed * 100 + target,
        principal=name,
        start=_other(originals, target) if case.natural else None,
        accounts=case.accounts,
        disguise=disguise,
    )


def _other(originals: Pool, target: int) -> Images:
    """Return a picture of another class."""
    other: Images = originals.images[originals.labels != originals.labels[target]][target]
    return other


@dataclass(frozen=True)
class Alarm:
    """The first alarm on a principal."""

    detector: str
    requests: int
    """Of the principal, up to and including the one that raised it."""
    queries: int
    """Different ones among them."""
    time: datetime


def first_alarms(log: pa.Table, output: str) -> dict[str, Alarm]:
    """Return the first alarm on each principal.

    Args:
        log: What was scanned, numbered by `interleaved`.
        output: The findings, as JSON.
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(log["principal"].to_pylist()):
        rows.setdefault(name, []).append(row)
    inputs = np.asarray(log["input"].combine_chunks().values).reshape(log.num_rows, -1)
    first: dict[str, Alarm] = {}
    found = [Finding.from_dict(plain) for plain in json.loads(output)["findings"]]
    for finding in sorted(found, key=lambda finding: finding.last_time):
        own, trigger = rows.get(finding.subject.id, []), int((finding.trigger_event_id or "").removeprefix("e-"))
        if not own:
            continue
        asked = own[: own.index(trigger) + 1]
        alarm = Alarm(
            finding.detector,
            len(asked),
            len(np.unique(inputs[asked], axis=0)),
            finding.last_time,
        )
        first.setdefault(finding.subject.id, alarm)
    return first


def judge(run: Run, first: dict[str, Alarm], victim: Victim, originals: Pool) -> None:
    """Note who saw an attack first and when, and whether it would have succeeded if it had been refused then."""
    alarms = [first[name] for name in run.accounts if name in first]
    if not alarms:
        run.refused_success = run.left.outcome.success
        return
    earliest = min(alarms, key=lambda alarm: alarm.time)
    run.detector, run.queries = earliest.detector, earliest.queries
    # Accounts that take turns would send other queries once one of them is gone.
    if run.case.accounts == 1:
        predict = Refusing(victim.predict_proba, earliest.requests)
        again = _trace(run.case, predict, originals, run.seed, run.target, run.case.disguise, "again")
        run.refused_success = again.outcome.success


def adaptive_refused(baseline: Baseline, victim: Victim, originals: Pool, seed: int, target: int) -> dict[str, Any]:
    """Let the adaptive attacker ask a model that is watched as by a guard, and refuse each account at its alarm."""
    live = LiveFindings(DetectionSettings.of(None, baseline), str)
    alarms: dict[str, str] = {}
    ordinal = count()

    def ask(name: str, rows: Images) -> Images:
        if name in alarms:
            raise RefusedError(WHY)
        scores = victim.predict_proba(rows)
        number = next(ordinal)
        event = {
            "time": EPOCH.astimezone(UTC) + timedelta(seconds=0.2 * number),
            "seq": number,
            "event_id": str(number),
            "model": "digits",
            "model_version": "1",
            "system": "digits",
            "principal": name,
            "operation": "predict",
            "status": 200,
            "input": rows[0].tolist(),
            "label": str(int(scores.argmax())),
            "scores": scores[0].tolist(),
        }
        for finding in live.feed([event]):
            if finding.subject.id == name:
                alarms.setdefault(name, finding.detector)
        return scores

    accounts = Switching([partial(ask, f"account-{number}") for number in range(ACCOUNTS)])
    outcome = Adaptive(pictures=originals.images[TARGETS:]).run(
        accounts,
        originals.images[target],
        int(originals.labels[target]),
        seed=seed * 100 + target,
        start=_other(originals, target),
    )
    say(f"seed {seed}: adaptive, image {target}: {outcome.queries} queries, {len(alarms)} accounts lost")
    return {"success": outcome.success, "queries": outcome.queries, "lost": len(alarms), "by": sorted(alarms.values())}
